import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import type { ExistingHostsConfig } from "../../existingHostsConfig.ts";
import { machineNames } from "../../hostsConfig.ts";
import { hostsFacts, type HostsFacts, type MadeMachine } from "./madeHosts.ts";
import { SshFirstContact } from "./sshFirstContact.ts";
import { SwarmHost } from "./swarmHost.ts";

export interface ExistingHostsArgs {
  hosts: ExistingHostsConfig;
  /** Tries to reach a machine over ssh. @default 5 */
  dialErrors?: number;
}

/** Nobody waits for a machine that should be there. */
const DIAL_ERRORS = 5;

/** Machines that somebody else has made, made a swarm: prepared, proved, joined. At the end they leave it, and are not touched beyond that. */
export class ExistingHosts extends pulumi.ComponentResource {
  readonly facts: HostsFacts;

  constructor(
    name: string,
    { hosts, dialErrors = DIAL_ERRORS }: ExistingHostsArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("mcp:index:ExistingHosts", name, {}, opts);
    const { user, sshPort: port } = hosts;
    const parent = { parent: this };
    const privateKey = pulumi.secret(readFileSync(hosts.keyFile, "utf8"));
    const made: MadeMachine[] = [];
    let manager: SwarmHost | undefined;
    for (const machine of machineNames(hosts)) {
      const settings = hosts.machines[machine];
      if (!settings) continue;
      const { address, privateAddress = address, gpus, labels } = settings;
      const hostKey = settings.hostKey ?? new SshFirstContact(machine, { host: address, port }, parent).hostKey;
      const host = new SwarmHost(
        machine,
        {
          connection: { host: address, port, user, privateKey, hostKey },
          ...{ hostName: machine, address: privateAddress, gpus, machine: address, dialErrors },
          ...(manager ? { manager } : {}),
        },
        parent,
      );
      manager ??= host;
      const known = { name: machine, address, hostKey, gpus, labels };
      made.push({ ...known, type: "existing", region: "", priceCentsPerHour: 0 });
    }
    this.facts = hostsFacts(made, { user, port, privateKey });
    this.registerOutputs({ managerHost: this.facts.managerHost, nodes: this.facts.nodes });
  }
}
