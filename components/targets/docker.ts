import { createHash } from "node:crypto";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { CONTRACT_NAME, SECRETS_DIR, type ServerSignature } from "../../runtime/contract/index.ts";
import { AddressPlan } from "../addressPlan.ts";
import { BuiltImage } from "../builtImage.ts";
import type { ImageRecipe } from "../imageRecipe.ts";
import { ContainerWatch } from "../containerWatch.ts";
import { HostCapacity } from "../hostCapacity.ts";
import { LABEL_CONTRACT, LABEL_TLS, labelsOf, type Owner } from "../naming.ts";
import { OrphanSweep } from "../orphanSweep.ts";
import { ProcessLimit, type ProcessLimitArgs } from "../processLimit.ts";
import type { OrphanPolicy } from "../providers/orphans.ts";
import type { SmokeReport, SmokeWorkload } from "../providers/smoke/suite.ts";
import { PulledImage } from "../pulledImage.ts";
import { SECCOMP_OPTION, SHARED_MEMORY_OPTION } from "../seccomp.ts";
import { SecretFiles } from "../secretFiles.ts";
import type { SharedNetworkConfig } from "../serviceConfig.ts";
import { SmokeGate, type SmokeGateArgs } from "../smokeGate.ts";
import { bridgeAddress, HOST_BLOCK_BITS, type WantedBlock } from "../subnets.ts";
import { controlGroupPaths, withHostPaths } from "./hostPaths.ts";
import { duration, envList, limitArgs, LOGGING, serviceArgs } from "./dockerArgs.ts";
import type {
  Demanding,
  DeployedImage,
  HostPath,
  Named,
  NetworkSpec,
  PulledImageSpec,
  ReportedOrphans,
  ServiceSpec,
  SmokeGateSpec,
  Target,
  Workload,
  WorkloadSpec,
} from "./target.ts";

/**
 * The docker provider reports an update of these and changes nothing in the container, so that a change must replace
 * it (recorded against provider 5.2).
 */
const REPLACE_ON_CHANGES = ["healthcheck", "tmpfs", "init", "wait"];

/**
 * Name server of a closed container: its own loopback, where nobody answers. Docker's resolver knows the names of the
 * container's networks by itself and asks this one for all others, so that no name leaves the host. Left out, it depends
 * on Docker's version: some hand the names on to the host's own name server, from internal networks too (CVE-2024-29018).
 */
const NO_NAME_SERVER = "127.0.0.1";
/** Nobody will answer: 1 s for a name that is not known, instead of 10. */
const NO_PATIENCE = ["attempts:1", "timeout:1"];

/** One Docker host: containers, bridge networks, local volumes. */
export class DockerTarget implements Target {
  readonly owner: Owner;
  readonly networkBits = HOST_BLOCK_BITS;
  readonly tellsNode = false;
  /** Ids (volumes: names) of all that was declared, for the sweep; `running` is what it waits for. */
  private readonly made = {
    containers: [] as pulumi.Output<string>[],
    networks: [] as pulumi.Output<string>[],
    volumes: [] as pulumi.Output<string>[],
    images: [] as pulumi.Output<string>[],
    running: [] as pulumi.Resource[],
  };
  private host: HostCapacity | undefined;
  private readonly built: Record<string, pulumi.Output<DeployedImage>> = {};
  private readonly workloads: SmokeGateArgs["workloads"][number][] = [];
  private readonly touched: Record<string, pulumi.Output<string>> = {};

  constructor(owner: Owner) {
    this.owner = owner;
  }

  sweepOrphans(policy: OrphanPolicy, servers: readonly ServerSignature[]): ReportedOrphans {
    const { containers, networks, volumes, images, running } = this.made;
    const declared = { containers, networks, volumes, images };
    return new OrphanSweep("orphans", { owner: this.owner, policy, servers, declared }, { dependsOn: running });
  }

  checkCapacity(workloads: readonly Demanding[], allowOvercommit: boolean): void {
    const demands = workloads.map(({ component, limits: { memoryMiB, memoryReservationMiB, cpus } }) => ({
      component,
      memoryMiB,
      memoryReservationMiB,
      cpus,
    }));
    this.host = new HostCapacity("host", { demands, allowOvercommit });
  }

  checkAddresses(blocks: readonly WantedBlock[]): void {
    new AddressPlan("addresses", { owner: this.owner, blocks });
  }

  network(name: string, spec: NetworkSpec, opts: pulumi.CustomResourceOptions): Named {
    const network = new docker.Network(
      this.physicalName(name),
      {
        driver: "bridge",
        internal: spec.kind === "internal",
        // Docker's own choice, but one that it tells of only after a restart: left out, it would show as drift then.
        ipamConfigs: [{ subnet: spec.subnet, gateway: bridgeAddress(spec.subnet) }],
        // Without an address of its own the bridge is no way to the host's 0.0.0.0 ports.
        options: spec.kind === "internal" ? { "com.docker.network.bridge.inhibit_ipv4": "true" } : {},
        labels: labelsOf(this.owner, spec.component),
      },
      // Docker refuses a second network with the same addresses.
      pulumi.mergeOptions({ deleteBeforeReplace: true }, opts),
    );
    this.made.networks.push(network.id);
    return { name: network.name, resource: network };
  }

  sharedNetwork(name: string, spec: SharedNetworkConfig, opts: pulumi.CustomResourceOptions): Named {
    const { subnet, gateway = bridgeAddress(subnet), internal, options } = spec;
    const network = new docker.Network(
      this.physicalName(name),
      {
        name: spec.dockerName ?? this.physicalName(name),
        driver: "bridge",
        internal,
        ipamConfigs: [{ subnet, gateway }],
        options,
        labels: labelsOf(this.owner, name),
      },
      pulumi.mergeOptions(
        // Of one that was there before, these are as somebody made them; a change would replace it under its users.
        { deleteBeforeReplace: true, ignoreChanges: ["labels", "attachable", "ipamConfigs[0].gateway"] },
        opts,
      ),
    );
    this.made.networks.push(network.id);
    return { name: network.name, resource: network };
  }

  stateVolume(name: string, component: string, opts: pulumi.CustomResourceOptions, dockerName?: string): Named {
    // A fixed name and never deleted: what `down` left is found again by the next `up`.
    // A changed label would replace the volume, and its data with it.
    const kept = { retainOnDelete: true, ignoreChanges: ["labels"] };
    return this.volume(name, component, pulumi.mergeOptions(kept, opts), dockerName ?? this.physicalName(name));
  }

  scratchVolume(name: string, component: string, opts: pulumi.CustomResourceOptions): Named {
    return this.volume(name, component, opts);
  }

  controlGroups(path: string): pulumi.Output<readonly HostPath[]> {
    if (!this.host) throw new Error("checkCapacity comes first: it asks the host");
    return this.host.cgroupVersion.apply((version) => controlGroupPaths(version, path));
  }

  private volume(name: string, component: string, opts: pulumi.CustomResourceOptions, fixedName?: string): Named {
    const volume = new docker.Volume(
      this.physicalName(name),
      { ...(fixedName ? { name: fixedName } : {}), labels: labelsOf(this.owner, component) },
      opts,
    );
    this.made.volumes.push(volume.name);
    return { name: volume.name, resource: volume };
  }

  image(name: string, recipe: ImageRecipe, opts: pulumi.CustomResourceOptions): pulumi.Output<string> {
    const { imageId, tag } = new BuiltImage(name, { recipe, owner: this.owner }, opts);
    this.made.images.push(imageId);
    this.built[name] = pulumi.output({ tag, id: imageId });
    return imageId;
  }

  pulledImage(name: string, spec: PulledImageSpec, opts: pulumi.CustomResourceOptions): pulumi.Output<string> {
    return new PulledImage(name, spec, opts).imageId;
  }

  /** With the network's name: alone it would be that of the first network that a container has. */
  peers(name: string, networkName: pulumi.Output<string>): pulumi.Output<string> {
    return pulumi.interpolate`${name}.${networkName}`;
  }

  workload(name: string, spec: WorkloadSpec, opts: pulumi.CustomResourceOptions): Workload {
    const { component, limits, supervised, readySeconds, readyCommand, newBesideOld } = spec;
    const secrets = this.volume(`${name}-secrets`, component, opts);
    const args = this.containerArgs(spec, secrets.name);
    const watch = new ContainerWatch(name, { namePrefix: `${this.physicalName(name)}-`, declared: args }, opts);
    const container = this.container(
      name,
      args,
      watch,
      pulumi.mergeOptions({ deleteBeforeReplace: !newBesideOld }, opts),
    );
    const files = new SecretFiles(
      name,
      { containerId: container.id, gid: spec.group, contract: spec.contract, files: spec.secrets },
      pulumi.mergeOptions({ deleteBeforeReplace: true }, opts),
    );
    const { contract, closed } = spec;
    const secretNames = [CONTRACT_NAME, ...Object.keys(spec.secrets)];
    const mounts =
      supervised && Array.isArray(spec.hostPaths) && spec.hostPaths.length > 0
        ? { mounts: spec.hostPaths as readonly HostPath[] }
        : {};
    const proof = { contract, closed, secretNames, ...mounts, ...(supervised ? {} : { probe: spec.probe.command }) };
    const ready = readySeconds === undefined ? {} : { readySeconds, ...(readyCommand ? { readyCommand } : {}) };
    return this.run(name, container, { component, limits, supervised, ...ready }, proof, [files], opts);
  }

  service(name: string, spec: ServiceSpec, opts: pulumi.CustomResourceOptions): Workload {
    const { component, limits, secretEnv } = spec;
    const dockerName = spec.dockerName ?? this.physicalName(name);
    const args = serviceArgs(spec, dockerName, labelsOf(this.owner, component));
    const watch = new ContainerWatch(name, { declared: args, secretEnv }, opts);
    // Marked as secret even where none is: a provider may tell of a variable that somebody added by hand.
    const envs = pulumi.secret([...envList(spec.env), ...envList(secretEnv)]);
    const containerOpts = pulumi.mergeOptions({ additionalSecretOutputs: ["envs"], deleteBeforeReplace: true }, opts);
    const container = this.container(name, { ...args, envs }, watch, containerOpts);
    const proof = { closed: false, secretNames: [] };
    return this.run(name, container, { component, limits }, proof, [], opts);
  }

  private container(
    name: string,
    args: docker.ContainerArgs,
    watch: ContainerWatch,
    opts: pulumi.CustomResourceOptions,
  ): docker.Container {
    const container = new docker.Container(
      this.physicalName(name),
      args,
      pulumi.mergeOptions({ replaceOnChanges: REPLACE_ON_CHANGES, replaceWith: [watch] }, opts),
    );
    this.made.containers.push(container.id);
    return container;
  }

  /** Starts a container, with all limits in force. */
  private run(
    name: string,
    container: docker.Container,
    limited: Omit<ProcessLimitArgs, "containerId">,
    { contract = "", ...proof }: Proof,
    dependsOn: pulumi.Resource[],
    opts: pulumi.CustomResourceOptions,
  ): Workload {
    const args = { ...limited, containerId: container.id };
    const running = new ProcessLimit(name, args, pulumi.mergeOptions({ dependsOn, deleteBeforeReplace: true }, opts));
    this.made.running.push(running);
    const { component: server, limits, supervised = false } = limited;
    this.workloads.push({ component: name, server, containerId: running.containerId, limits, supervised, ...proof });
    this.touched[name] = pulumi.interpolate`${running.provedAt} ${pulumi.output(contract).apply(digest)}`;
    // Through the ProcessLimit: nobody is to call a container that is not proved yet.
    const address = pulumi.all([container.name, running.containerId]).apply(([proved]) => proved);
    const { containerId, effective } = running;
    return { containerId, address, effective, hasGpu: pulumi.output(false), running };
  }

  smokeGate(spec: SmokeGateSpec): pulumi.Output<SmokeReport> {
    const args = { ...spec, workloads: this.workloads, touched: this.touched };
    return new SmokeGate("smoke", args, { dependsOn: this.made.running }).report;
  }

  images(): pulumi.Output<Record<string, DeployedImage>> {
    return pulumi.all(this.built);
  }

  private containerArgs(spec: WorkloadSpec, secretsVolume: pulumi.Output<string>): docker.ContainerArgs {
    const volumes = [
      { volumeName: secretsVolume, containerPath: SECRETS_DIR },
      ...spec.mounts.map(({ volume, path }) => ({ volumeName: volume, containerPath: path })),
    ];
    const encrypted = spec.ports.filter(({ tls }) => tls).map(({ containerPort }) => containerPort);
    return {
      image: spec.image,
      hostname: spec.hostname,
      user: `${spec.user}:${spec.group}`,
      // ProcessLimit starts it, with all limits in force.
      start: false,
      mustRun: false,
      restart: "unless-stopped",
      destroyGraceSeconds: spec.stopSeconds,
      ...limitArgs(spec.limits),
      readOnly: true,
      capabilities: { drops: ["ALL"] },
      securityOpts: ["no-new-privileges", spec.sharedMemory ? SHARED_MEMORY_OPTION : SECCOMP_OPTION],
      ...(spec.closed ? { dns: [NO_NAME_SERVER], dnsOpts: NO_PATIENCE } : {}),
      tmpfs: Object.fromEntries(
        Object.entries(spec.scratchMiB).map(([path, mebibytes]) => [
          path,
          `rw,noexec,nosuid,nodev,size=${mebibytes}m,mode=1777`,
        ]),
      ),
      networksAdvanced: spec.networks.map(({ network, aliases }) => ({ name: network, aliases: [...aliases] })),
      ports: spec.ports.map(({ containerPort, hostPort, bind }) => ({
        internal: containerPort,
        external: hostPort,
        ip: bind,
      })),
      volumes: withHostPaths(volumes, spec.hostPaths),
      healthcheck: {
        tests: ["CMD", ...spec.probe.command],
        interval: duration(spec.probe.intervalSeconds),
        timeout: duration(spec.probe.timeoutSeconds),
        startPeriod: duration(spec.probe.startSeconds),
        retries: spec.probe.failures,
      },
      ...LOGGING,
      labels: [
        ...labelsOf(this.owner, spec.component),
        ...(spec.onNewContract === "replace"
          ? [{ label: LABEL_CONTRACT, value: pulumi.output(spec.contract).apply(digest) }]
          : []),
        ...(encrypted.length > 0 ? [{ label: LABEL_TLS, value: encrypted.join() }] : []),
      ],
    };
  }

  /** What `docker ps` shows before the provider's random suffix: whose it is and what. */
  private physicalName(name: string): string {
    return `${this.owner.estate}-${this.owner.stack}-${name}`;
  }
}

/** What the smoke gate looks for. */
interface Proof extends Pick<SmokeWorkload, "secretNames" | "closed" | "probe" | "mounts"> {
  contract?: pulumi.Input<string>;
}

/** Short enough to be read in a preview. */
function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}
