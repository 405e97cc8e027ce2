import type * as pulumi from "@pulumi/pulumi";
import type { Limits } from "../../runtime/contract/index.ts";
import type { ImageRecipe } from "../imageRecipe.ts";
import type { ServerSignature } from "../../runtime/contract/index.ts";
import type { OrphanKind, OrphanPolicy } from "../providers/orphans.ts";
import type { EffectiveLimits } from "../providers/processLimit.ts";
import type { SmokeReport, SmokeServer } from "../providers/smoke/suite.ts";
import type { GpuClaim } from "../gpus.ts";
import type { Owner } from "../naming.ts";
import type { WantedBlock } from "../subnets.ts";
import type { PlacementConfig } from "../swarmConfig.ts";
import type { ServiceConfig, SharedNetworkConfig } from "../serviceConfig.ts";

/** A private network of the estate. */
export interface NetworkSpec {
  /** Component label. */
  component: string;
  /** IPv4 block in CIDR notation. */
  subnet: string;
  /** internal: reaches nothing, not even the host; edge: carries published ports. */
  kind: "internal" | "edge";
}

/** A workload's place on a network: under which names others find it. */
export interface Attachment {
  network: pulumi.Input<string>;
  aliases: readonly string[];
}

export interface PublishedPort {
  containerPort: number;
  hostPort: number;
  /** Address of the host. */
  bind: string;
  /** TLS alone is taken there. */
  tls: boolean;
}

/** A folder or socket of the host itself. */
export interface HostPath {
  hostPath: string;
  path: string;
  readOnly: boolean;
}

export interface MountSpec {
  volume: pulumi.Input<string>;
  path: string;
}

/** A service as its target makes it: what was a name is the object by then. */
export interface ServiceSpec extends Omit<ServiceConfig, "name" | "image" | "networks" | "volumes"> {
  component: string;
  /** Content-addressed image id. */
  image: pulumi.Input<string>;
  networks: ReadonlyArray<Attachment & { address?: string | undefined }>;
  mounts: ReadonlyArray<MountSpec & { readOnly: boolean }>;
}

/** An image that others build. */
export interface PulledImageSpec {
  component: string;
  reference: string;
  /** Paths at which something is mounted: any other volume that the image declares would be an anonymous one. */
  mountPoints: readonly string[];
}

/** How a container is found to be well; Docker's own figures in seconds. */
export interface ProbeSpec {
  /** Command run in the container; exit 0 is well. */
  command: readonly string[];
  intervalSeconds: number;
  timeoutSeconds: number;
  failures: number;
  startSeconds: number;
}

/** One container with everything that makes it safe; no field is optional on purpose (R-LIM-01). */
export interface WorkloadSpec {
  component: string;
  /** Name within its networks: the component's own, or an instance's. */
  hostname: string;
  /** Content-addressed image id. */
  image: pulumi.Input<string>;
  /** uid; nproc counts what runs under it on the whole host. */
  user: number;
  /** gid, to which the image gives the folder of the secrets. */
  group: number;
  limits: Limits;
  networks: readonly Attachment[];
  ports: readonly PublishedPort[];
  mounts: readonly MountSpec[];
  /** What it sees of its host; none but the guard needs any. */
  hostPaths: pulumi.Input<readonly HostPath[]>;
  /** Writable memory file systems: path → MiB. */
  scratchMiB: Readonly<Record<string, number>>;
  probe: ProbeSpec;
  /** Contract file's content. */
  contract: pulumi.Input<string>;
  /** What another contract is to the container: a file to read again, or a reason for another container. */
  onNewContract: "reload" | "replace";
  /** The program in the container tells its own limits on /limits. */
  supervised: boolean;
  /** How long its server may take to give its first good answer, in seconds; absent where it is not to run. */
  readySeconds?: number;
  /** Command that ends with 0 when it is ready. @default it says so on /ready */
  readyCommand?: readonly string[];
  /** A new container runs and is proved before the old one goes; else the old one goes first. */
  newBesideOld: boolean;
  /** Seconds that it gets to end by itself. */
  stopSeconds: number;
  /** Secret file name → value. */
  secrets: Readonly<Record<string, pulumi.Input<string>>>;
  /** It reaches nothing but who calls it and learns no name of the outside; the smoke gate proves the former. */
  closed: boolean;
  /** It may use System V's shared memory. @default false */
  sharedMemory?: boolean;
  /** It is told the node that it runs on, by a target that has several. */
  knowsNode: boolean;
  /** How many of it run at once. */
  replicas: number;
  /** Where, if the target has several places. */
  placement: PlacementConfig | undefined;
  /** Absent where it asks for none. */
  gpu?: GpuClaim | undefined;
}

/** What a target made of a workload. */
export interface Workload {
  /** Id of the container, once it runs with its limits proved. */
  containerId: pulumi.Output<string>;
  /** Name under which others on its networks find this very container, known once it runs. */
  address: pulumi.Output<string>;
  /** Limits in force, as the last update found them. */
  effective: pulumi.Output<EffectiveLimits>;
  /** It has a GPU, as the last update found. */
  hasGpu: pulumi.Output<boolean>;
  /** Depend on this to depend on a running workload. */
  running: pulumi.Resource;
}

/** A volume or network that a target made. */
export interface Named {
  name: pulumi.Output<string>;
  resource: pulumi.Resource;
}

/** A component with its limits, for the sum over all that there is. */
export interface Demanding {
  component: string;
  limits: Limits;
  /** How many of it run at once. */
  replicas: number;
}

/** An image as a later rollback asks for it. */
export interface DeployedImage {
  /** NAME:HASH of all that went in. */
  tag: string;
  /** Content-addressed id. */
  id: string;
}

/** What the smoke gate asks of the servers; of the containers the target itself knows. */
export interface SmokeGateSpec {
  gatewayUrl: pulumi.Input<string>;
  token: pulumi.Input<string>;
  /** What the edge shows; absent for plain HTTP. */
  certificate?: pulumi.Input<string> | undefined;
  servers: readonly SmokeServer[];
  timeoutSeconds: number;
}

/** Objects that nobody declared and that stay. */
export interface ReportedOrphans {
  /** In words, one each. */
  reported: pulumi.Output<string[]>;
  counts: pulumi.Output<Record<OrphanKind, number>>;
}

/** WHERE an estate runs. Components say what they need and never ask which target it is. */
export interface Target {
  readonly owner: Owner;
  /** Prefix length of the networks that it wants. */
  readonly networkBits: number;
  /** It has several nodes, and tells a container its own in NODE_VARIABLE where asked to. */
  readonly tellsNode: boolean;
  /** Fails the preview of an estate that does not fit. */
  checkCapacity(workloads: readonly Demanding[], allowOvercommit: boolean): void;
  /** Fails the preview of an estate whose addresses are somebody else's. */
  checkAddresses(blocks: readonly WantedBlock[]): void;
  /**
   * Declares that nothing else runs than what this target was asked for; call it last.
   * @returns what is found and only reported.
   */
  sweepOrphans(policy: OrphanPolicy, servers: readonly ServerSignature[]): ReportedOrphans;
  network(name: string, spec: NetworkSpec, opts: pulumi.CustomResourceOptions): Named;
  /** A network under a name that stays, with the labels and the gateway that it was made with. */
  sharedNetwork(name: string, spec: SharedNetworkConfig, opts: pulumi.CustomResourceOptions): Named;
  /**
   * A volume that outlives the workload and the stack; found again by its name.
   * @param dockerName @default made from the owner and `name`
   */
  stateVolume(name: string, component: string, opts: pulumi.CustomResourceOptions, dockerName?: string): Named;
  /** A volume that goes with its stack. */
  scratchVolume(name: string, component: string, opts: pulumi.CustomResourceOptions): Named;
  /** Where a container that looks at its host's control groups finds them. @param path in the container */
  controlGroups(path: string): pulumi.Output<readonly HostPath[]>;
  /** Builds the image unless it is there; the output is its content-addressed id. */
  image(name: string, recipe: ImageRecipe, opts: pulumi.CustomResourceOptions): pulumi.Output<string>;
  /** Has the image on the host, from its registry where it is not there; the output is its content-addressed id. */
  pulledImage(name: string, spec: PulledImageSpec, opts: pulumi.CustomResourceOptions): pulumi.Output<string>;
  /**
   * Name by which the old and the new containers of a workload find each other on a network, where it is for them to say
   * which takes the calls; undefined where the target itself takes the old ones away one by one.
   */
  peers(name: string, networkName: pulumi.Output<string>): pulumi.Output<string> | undefined;
  workload(name: string, spec: WorkloadSpec, opts: pulumi.CustomResourceOptions): Workload;
  service(name: string, spec: ServiceSpec, opts: pulumi.CustomResourceOptions): Workload;
  /** Fails the update unless all workloads so far work as declared; call it when all are declared. */
  smokeGate(spec: SmokeGateSpec): pulumi.Output<SmokeReport>;
  /** Component → image, of all that `image` was asked for so far. */
  images(): pulumi.Output<Record<string, DeployedImage>>;
}
