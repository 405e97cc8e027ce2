import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import {
  awaitBoot,
  ensureDocker,
  initSwarm,
  joinSwarm,
  leaveSwarm,
  proveGpus,
  removeNode,
} from "./bootstrapScripts.ts";

/** How a machine is reached; its host key is known beforehand. */
export interface HostConnection {
  host: pulumi.Input<string>;
  /** @default 22 */
  port?: number;
  user: string;
  /** OpenSSH's form; secret. */
  privateKey: pulumi.Input<string>;
  /** OpenSSH's form, without which whoever answers would be believed. */
  hostKey: pulumi.Input<string>;
}

export interface SwarmHostArgs {
  connection: HostConnection;
  /** Host name in the swarm. */
  hostName: string;
  /** Under which the other hosts reach it. */
  address: pulumi.Input<string>;
  gpus: pulumi.Input<number>;
  /** What changes with the machine itself: everything is done anew then. */
  machine: pulumi.Input<string>;
  /** It ends with the stack, and nothing that was done there has to be undone. @default none: the machine was there before */
  machineResource?: pulumi.Resource;
  /** Tries to reach it, ten seconds or so apart. @default 90: a machine with eight GPUs took up to 15 minutes */
  dialErrors?: number;
  /** The swarm that it joins; without one it is the first. */
  manager?: SwarmHost;
}

const DIAL_ERRORS = 90;

/**
 * A machine of the swarm's own making: booted, with Docker as the swarm target wants it, its GPUs proved and told of, in the swarm.
 * Each step runs once; another machine or another step runs it again.
 */
export class SwarmHost extends pulumi.ComponentResource {
  readonly connection: pulumi.Output<command.types.input.remote.ConnectionArgs>;
  readonly address: pulumi.Output<string>;
  /** What a worker joins with; secret, and only of the first. */
  readonly joinToken: pulumi.Output<string>;
  /** Depend on this to depend on a host that is in the swarm. */
  readonly joined: pulumi.Resource;
  private readonly machineResource: pulumi.Resource | undefined;

  constructor(name: string, args: SwarmHostArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mcp:index:SwarmHost", name, {}, opts);
    const { gpus, hostName, machine, machineResource, manager } = args;
    const replaced = { parent: this, deleteBeforeReplace: true };
    // A machine that somebody has terminated answers nobody any more.
    const undo = machineResource ? {} : { delete: leaveSwarm };
    const connection = pulumi.output({ dialErrorLimit: args.dialErrors ?? DIAL_ERRORS, ...args.connection });
    this.address = pulumi.output(args.address);
    const step = (what: string, given: Partial<command.remote.CommandArgs>, after: pulumi.Resource[]) =>
      new command.remote.Command(
        `${name}-${what}`,
        { connection, triggers: [machine], logging: "stderr", ...given },
        // What a first host prints lets a machine into the swarm.
        { ...replaced, dependsOn: after, additionalSecretOutputs: ["stdout"] },
      );
    const booted = step("boot", { create: awaitBoot(hostName) }, []);
    const count = pulumi.output(gpus);
    const docker = step("docker", { create: count.apply((each) => ensureDocker({ gpus: each > 0 })) }, [booted]);
    const ready = step("gpus", { create: count.apply(proveGpus) }, [docker]);
    if (manager) {
      const create = pulumi.all([this.address, manager.address]).apply(([own, other]) => joinSwarm(own, other));
      const onManager = { connection: manager.connection };
      // A node of that name which an earlier machine was; one that is there now must not go for the sake of another script.
      const place = new command.remote.Command(
        `${name}-place`,
        { ...onManager, create: removeNode(hostName), update: "true", triggers: [machine] },
        { ...replaced, dependsOn: [manager.joined] },
      );
      const join = step("join", { create, ...undo, stdin: manager.joinToken }, [ready, place]);
      this.joinToken = manager.joinToken;
      // Of its end alone: it is the same node, whatever machine it is.
      this.joined = new command.remote.Command(
        `${name}-member`,
        { ...onManager, create: "true", delete: removeNode(hostName) },
        // A manager that ends as well, or is dead, needs to be told nothing.
        { parent: this, dependsOn: [join], ...deletedWith(manager.machineResource) },
      );
    } else {
      const create = this.address.apply(initSwarm);
      const first = step("swarm", { create, ...undo }, [ready]);
      this.joinToken = pulumi.secret(first.stdout);
      this.joined = first;
    }
    this.connection = connection;
    this.machineResource = machineResource;
    this.registerOutputs({ address: this.address });
  }
}

function deletedWith(resource: pulumi.Resource | undefined): pulumi.CustomResourceOptions {
  return resource ? { deletedWith: resource } : {};
}
