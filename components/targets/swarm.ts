import { createHash } from "node:crypto";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { CONTRACT_NAME, SECRETS_DIR } from "../../runtime/contract/index.ts";
import { AddressPlan } from "../addressPlan.ts";
import { BuiltImage } from "../builtImage.ts";
import type { ImageRecipe } from "../imageRecipe.ts";
import { labelsOf, type Owner } from "../naming.ts";
import { NodeImage } from "../nodeImage.ts";
import type { SmokeReport } from "../providers/smoke/suite.ts";
import type { SwarmPlacement } from "../providers/swarm/inputs.ts";
import type { EffectiveLimits } from "../providers/processLimit.ts";
import type { ProvedTask } from "../providers/swarm/proof.ts";
import { SmokeGate, type SmokeGateArgs } from "../smokeGate.ts";
import { bridgeAddress, type WantedBlock } from "../subnets.ts";
import { constraintsOf, type SwarmConfig } from "../swarmConfig.ts";
import { SwarmNodes } from "../swarmNodes.ts";
import { SwarmService } from "../swarmService.ts";
import type {
  Demanding,
  DeployedImage,
  HostPath,
  Named,
  NetworkSpec,
  ReportedOrphans,
  SmokeGateSpec,
  Target,
  Workload,
  WorkloadSpec,
} from "./target.ts";

/** Tasks old and new of all replicas, and an address of each node's own. */
const NETWORK_BITS = 26;

/** A swarm of Docker hosts: services, overlay networks, secrets and configs of the swarm's own. */
export class SwarmTarget implements Target {
  readonly owner: Owner;
  readonly networkBits = NETWORK_BITS;
  readonly tellsNode = true;
  private readonly config: SwarmConfig;
  /** Host name → how its Docker is reached. */
  private readonly nodes: Readonly<Record<string, string>>;
  private swarm: SwarmNodes | undefined;
  private dataProvider: docker.Provider | undefined;
  private readonly running: pulumi.Resource[] = [];
  private readonly built: Record<string, pulumi.Output<DeployedImage>> = {};
  private readonly workloads: SmokeGateArgs["workloads"][number][] = [];
  private readonly touched: Record<string, pulumi.Output<string>> = {};

  constructor(owner: Owner, config: SwarmConfig) {
    this.owner = owner;
    this.config = config;
    this.nodes = Object.fromEntries(Object.entries(config.nodes).map(([name, { host = "" }]) => [name, host]));
  }

  checkCapacity(workloads: readonly Demanding[], allowOvercommit: boolean): void {
    const demands = workloads.flatMap(({ component, limits, replicas }) => {
      const { memoryMiB, memoryReservationMiB, cpus } = limits;
      return Array.from({ length: replicas }, () => ({ component, memoryMiB, memoryReservationMiB, cpus }));
    });
    this.swarm = new SwarmNodes("swarm", { nodes: this.config.nodes, demands, allowOvercommit });
  }

  checkAddresses(blocks: readonly WantedBlock[]): void {
    new AddressPlan("addresses", { owner: this.owner, blocks });
  }

  /** Services of this stack that nobody declares any more go with the update that forgets them; more is not looked for yet. */
  sweepOrphans(): ReportedOrphans {
    const none = { container: 0, network: 0, volume: 0, image: 0, process: 0, script: 0 };
    return { reported: pulumi.output<string[]>([]), counts: pulumi.output(none) };
  }

  network(name: string, spec: NetworkSpec, opts: pulumi.CustomResourceOptions): Named {
    const { attachable, encrypted } = this.config;
    const network = new docker.Network(
      // Another network, not a change of this one: Docker adds options of its own, so that these are not compared.
      this.physicalName(encrypted ? `${name}-encrypted` : name),
      {
        driver: "overlay",
        internal: spec.kind === "internal",
        attachable,
        ipamConfigs: [{ subnet: spec.subnet, gateway: bridgeAddress(spec.subnet) }],
        ...(encrypted ? { options: { encrypted: "" } } : {}),
        labels: labelsOf(this.owner, spec.component),
      },
      pulumi.mergeOptions({ ignoreChanges: ["options"], dependsOn: this.swarm ? [this.swarm] : [] }, opts),
    );
    // Services name networks by their ids: that is how a swarm tells of them.
    return { name: network.id, resource: network };
  }

  sharedNetwork(name: string): Named {
    throw lacking(`network ${name}`);
  }

  /** On the one node that keeps data; tasks that mount it run there. */
  scratchVolume(name: string): Named {
    throw new Error(`${name}: target swarm has no volumes that are shared on one node`);
  }

  controlGroups(path: string): pulumi.Output<readonly HostPath[]> {
    throw new Error(`${path}: target swarm shows no container its nodes' control groups`);
  }

  stateVolume(name: string, component: string, opts: pulumi.CustomResourceOptions, dockerName?: string): Named {
    const kept = { retainOnDelete: true, ignoreChanges: ["labels"], ...this.onDataNode() };
    const volume = new docker.Volume(
      this.physicalName(name),
      { name: dockerName ?? this.physicalName(name), labels: labelsOf(this.owner, component) },
      pulumi.mergeOptions(kept, opts),
    );
    return { name: volume.name, resource: volume };
  }

  private onDataNode(): pulumi.CustomResourceOptions {
    const host = this.nodes[this.config.dataNode ?? ""];
    if (!host) return {};
    this.dataProvider ??= new docker.Provider("data-node", { host });
    return { provider: this.dataProvider };
  }

  image(name: string, recipe: ImageRecipe, opts: pulumi.CustomResourceOptions): pulumi.Output<string> {
    const { imageId, tag } = new BuiltImage(name, { recipe, owner: this.owner }, opts);
    this.built[name] = pulumi.output({ tag, id: imageId });
    return new NodeImage(name, { tag, imageId, nodes: this.nodes }, opts).imageId;
  }

  pulledImage(name: string): pulumi.Output<string> {
    throw lacking(`image ${name}`);
  }

  /** Swarm takes old tasks away one by one. */
  peers(): undefined {
    return undefined;
  }

  workload(name: string, spec: WorkloadSpec, opts: pulumi.CustomResourceOptions): Workload {
    const { component, supervised, readySeconds, limits, closed } = spec;
    const labels = Object.fromEntries(labelsOf(this.owner, component).map(({ label, value }) => [label, value]));
    const secrets = Object.entries(spec.secrets).map(([file, value]) =>
      this.secret(name, component, file, value, opts),
    );
    const config = this.contract(name, spec.contract, opts);
    const publishes = spec.ports.length > 0;
    const service = new SwarmService(
      name,
      {
        spec: pulumi.output({
          name: this.physicalName(name),
          component: name,
          image: spec.image,
          // Whoever publishes does so on each node: calls come in wherever they are made.
          replicas: publishes ? ("every-node" as const) : spec.replicas,
          hostname: spec.hostname,
          user: spec.user,
          group: spec.group,
          limits,
          cpuReservation: spec.placement?.cpuReservation ?? 0,
          networks: spec.networks.map(({ network, aliases }) => ({ network, aliases: [...aliases] })),
          ports: spec.ports.map(({ containerPort, hostPort }) => ({ containerPort, hostPort })),
          mounts: [...spec.mounts],
          scratchMiB: spec.scratchMiB,
          probe: spec.probe,
          labels,
          secrets,
          configs: [config],
          closed,
          knowsNode: spec.knowsNode,
          stopSeconds: spec.stopSeconds,
          update: {
            // A new one beside the old would share its GPU.
            order: spec.newBesideOld && !publishes && !spec.gpu ? ("start-first" as const) : ("stop-first" as const),
            monitorSeconds: this.config.monitorSeconds,
          },
        }),
        placement: this.placementOf(spec),
        ...(spec.gpu ? { gpu: spec.gpu } : {}),
        supervised,
        ...(readySeconds === undefined ? {} : { readySeconds }),
        timeoutSeconds: this.config.timeoutSeconds,
        nodes: this.nodes,
      },
      opts,
    );
    this.running.push(service);
    this.touched[name] = pulumi.interpolate`${service.provedAt} ${pulumi.output(spec.contract).apply(digest)}`;
    const proof = { closed, limits, supervised, secretNames: [CONTRACT_NAME, ...Object.keys(spec.secrets)] };
    const where = service.serviceId.apply((id) => ({ id, nodes: this.nodes }));
    this.workloads.push({ component: name, server: component, containerId: "", service: where, ...proof });
    return {
      containerId: service.serviceId,
      // Through the service: nobody is to call a task that is not proved yet.
      address: service.serviceId.apply(() => spec.networks[0]?.aliases[0] ?? spec.hostname),
      effective: service.tasks.apply(effectiveOf),
      hasGpu: service.gpuId.apply((uuid) => uuid !== ""),
      running: service,
    };
  }

  service(name: string): Workload {
    throw lacking(`service ${name}`);
  }

  smokeGate(spec: SmokeGateSpec): pulumi.Output<SmokeReport> {
    const args = { ...spec, workloads: this.workloads, touched: this.touched };
    return new SmokeGate("smoke", args, { dependsOn: this.running }).report;
  }

  images(): pulumi.Output<Record<string, DeployedImage>> {
    return pulumi.all(this.built);
  }

  /** Named by the provider: one of the same name cannot be replaced while a service has it. */
  private secret(
    name: string,
    component: string,
    file: string,
    value: pulumi.Input<string>,
    opts: pulumi.CustomResourceOptions,
  ) {
    const secret = new docker.Secret(
      this.physicalName(`${name}-${file.replaceAll(/[^\w-]/g, "-")}`),
      { data: pulumi.secret(pulumi.output(value).apply(base64)), labels: labelsOf(this.owner, component) },
      opts,
    );
    return { id: secret.id, name: secret.name, file };
  }

  private contract(name: string, text: pulumi.Input<string>, opts: pulumi.CustomResourceOptions) {
    const config = new docker.ServiceConfig(
      this.physicalName(`${name}-contract`),
      { data: pulumi.output(text).apply(base64) },
      opts,
    );
    return { id: config.id, name: config.name, file: `${SECRETS_DIR}/${CONTRACT_NAME}` };
  }

  private placementOf({ mounts, placement, gpu }: WorkloadSpec): SwarmPlacement {
    const { preferences = [] } = placement ?? {};
    const constraints = constraintsOf({ placement, hasVolumes: mounts.length > 0 }, this.config);
    const others = gpu?.before.flat() ?? [];
    const asksForLabels = [...constraints, ...preferences, ...others].some((expression) =>
      expression.includes("node.labels."),
    );
    const labels = Object.entries(asksForLabels ? this.config.nodes : {}).map(([name, node]) => [name, node.labels]);
    return {
      constraints,
      preferences,
      labels: Object.fromEntries(labels) as SwarmPlacement["labels"],
    };
  }

  private physicalName(name: string): string {
    return `${this.owner.estate}-${this.owner.stack}-${name}`;
  }
}

/** The settings' own check names it first. */
function lacking(what: string): Error {
  return new Error(`${what}: target swarm has no such thing yet`);
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}

/** Of the first task: all of them were proved to be as declared. */
function effectiveOf([task]: readonly ProvedTask[]): EffectiveLimits {
  const { pids = 0, memoryBytes = 0, cpus = 0, nofile, nproc } = task?.kernel ?? {};
  const docker = { pids, memoryBytes, memorySwapBytes: memoryBytes, memoryReservationBytes: 0, cpus };
  return { docker, kernel: { pids, memoryBytes, memorySwapBytes: memoryBytes, cpus, nofile, nproc } };
}

/** Short enough to be read in a preview. */
function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}
