import * as pulumi from "@pulumi/pulumi";
import {
  CONTROL_DIR,
  CONTROL_SOCKET,
  DOCKER_SOCKET,
  type ControlContract,
  type Limits,
} from "../../runtime/contract/index.ts";
import type { EstateConfig } from "../estateConfig.ts";
import { controlRecipe } from "../imageRecipe.ts";
import { LABEL_COMPONENT, LABEL_ESTATE, LABEL_STACK } from "../naming.ts";
import { readinessProbe } from "../readinessProbe.ts";
import type { ProbeSpec, Target, WorkloadSpec } from "../targets/index.ts";

export interface DockerFilterArgs {
  target: Target;
  /** Of the one program that asks it, and of nobody else. */
  group: number;
  network: pulumi.Output<string>;
  /** Volume of the socket between both. */
  socket: pulumi.Output<string>;
  health: EstateConfig["health"];
  limits: Limits;
  /** What that program may do beside seeing which containers this stack has. */
  allows: Pick<ControlContract, "restarts" | "logs">;
}

const SCRATCH_MIB = 1;
const STOP_SECONDS = 5;
const DOCKERS_SOCKET = "/var/run/docker.sock";

/**
 * The one kind of container that sees Docker's socket. It listens on no network, runs without a capability, and passes on what
 * its contract names (docs/adr/0023-guard.md).
 */
export class DockerFilter extends pulumi.ComponentResource {
  constructor(name: string, args: DockerFilterArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mcp:index:DockerFilter", name, {}, opts);
    const { target, group, health, limits, allows, ...shared } = args;
    const { estate, stack } = target.owner;
    const labels = { estate: LABEL_ESTATE, stack: LABEL_STACK, component: LABEL_COMPONENT };
    const contract: ControlContract = { version: 1, estate, stack, limits, labels, ...allows };
    const asked = readinessProbe(health, "/health");
    const probe: ProbeSpec = {
      ...asked,
      command: ["/usr/bin/curl", "-fsS", "-o", "/dev/null", "--unix-socket", CONTROL_SOCKET, "http://control/health"],
    };
    target.workload(
      name,
      filteredWorkload({
        ...{ ...shared, name, group, limits, contract, probe },
        // Docker's socket is root's and of a group whose number each host has its own.
        user: 0,
        image: target.image(name, controlRecipe({ user: group }), { parent: this }),
        hostPaths: [{ hostPath: DOCKERS_SOCKET, path: DOCKER_SOCKET, readOnly: true }],
        onNewContract: "replace",
      }),
      { parent: this },
    );
    this.registerOutputs({});
  }
}

export interface FilteredParts extends Pick<
  WorkloadSpec,
  "user" | "group" | "image" | "probe" | "hostPaths" | "onNewContract"
> {
  name: string;
  limits: Limits;
  contract: object;
  network: pulumi.Output<string>;
  /** Beside that of the filter. @default none */
  networks?: ReadonlyArray<pulumi.Input<string>>;
  socket: pulumi.Output<string>;
  /** Beside the socket's. @default none */
  mounts?: WorkloadSpec["mounts"];
  /** @default none */
  secrets?: WorkloadSpec["secrets"];
}

/** A filter, or the program that asks it: both on one network and one volume. */
export function filteredWorkload(parts: FilteredParts): WorkloadSpec {
  const { name, network, networks = [], socket, mounts = [], secrets = {}, contract, ...given } = parts;
  return {
    ...given,
    component: name,
    hostname: name,
    networks: [network, ...networks].map((each) => ({ network: each, aliases: [name] })),
    ports: [],
    mounts: [{ volume: socket, path: CONTROL_DIR }, ...mounts],
    scratchMiB: { "/tmp": SCRATCH_MIB },
    contract: JSON.stringify(contract),
    supervised: false,
    newBesideOld: false,
    stopSeconds: STOP_SECONDS,
    secrets,
    closed: false,
    knowsNode: false,
    replicas: 1,
    placement: undefined,
  };
}
