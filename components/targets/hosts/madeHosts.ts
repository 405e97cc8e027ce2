import * as pulumi from "@pulumi/pulumi";

/** A machine of a swarm, wherever it comes from. */
export interface MadeMachine {
  /** Host name in the swarm. */
  name: string;
  /** Under which its ssh server is reached. */
  address: pulumi.Input<string>;
  /** OpenSSH's form. */
  hostKey: pulumi.Input<string>;
  gpus: pulumi.Input<number>;
  labels: Readonly<Record<string, string>>;
  type: pulumi.Input<string>;
  region: pulumi.Input<string>;
  /** US cents. */
  priceCentsPerHour: pulumi.Input<number>;
}

/** How all of them are reached over ssh. */
export interface MadeAccess {
  user: string;
  port: number;
  /** OpenSSH's form; secret. */
  privateKey: pulumi.Output<string>;
}

/** What others need to know of machines that are a swarm. */
export interface HostsFacts {
  /** `ssh://USER@ADDRESS` of the manager's Docker. */
  managerHost: pulumi.Output<string>;
  /** By host name: how its Docker is reached, and its labels, as `mcp-estate:swarm.nodes` wants it. */
  nodes: pulumi.Output<Record<string, { host: string; labels: Record<string, string> }>>;
  /** By host name, for people; US dollars. */
  machines: pulumi.Output<Record<string, { ip: string; type: string; region: string; pricePerHour: number }>>;
  /** US dollars, of all machines. */
  hourlyPrice: pulumi.Output<number>;
  /** OpenSSH's form; secret. */
  privateKey: pulumi.Output<string>;
  /** Lines for a known_hosts file. */
  knownHosts: pulumi.Output<string>;
}

const SSH_PORT = 22;

/** @param made the manager first. */
export function hostsFacts(made: readonly MadeMachine[], { user, port, privateKey }: MadeAccess): HostsFacts {
  const all = pulumi.all(made.map((machine) => pulumi.output(machine)));
  const dockerHost = (address: string): string => `ssh://${user}@${address}${port === SSH_PORT ? "" : `:${port}`}`;
  const known = (address: string): string => (port === SSH_PORT ? address : `[${address}]:${port}`);
  return {
    managerHost: all.apply(([manager]) => dockerHost(manager?.address ?? "")),
    nodes: all.apply((machines) =>
      Object.fromEntries(
        machines.map(({ name, address, gpus, labels: own }) => {
          const labels: Record<string, string> = { type: gpus > 0 ? "gpu" : "cpu", ...own };
          return [name, { host: dockerHost(address), labels }];
        }),
      ),
    ),
    machines: all.apply((machines) =>
      Object.fromEntries(
        machines.map(({ name, address, type, region, priceCentsPerHour }) => [
          name,
          { ip: address, type, region, pricePerHour: priceCentsPerHour / 100 },
        ]),
      ),
    ),
    hourlyPrice: all.apply((machines) => machines.reduce((sum, each) => sum + each.priceCentsPerHour, 0) / 100),
    privateKey,
    // Keys without their comments.
    knownHosts: all.apply((machines) =>
      machines
        .map(({ address, hostKey }) => `${[known(address), ...hostKey.trim().split(" ").slice(0, 2)].join(" ")}\n`)
        .join(""),
    ),
  };
}
