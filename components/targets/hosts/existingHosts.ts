import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import type { ExistingHostsConfig } from "../../existingHostsConfig.ts";
import { machineNames } from "../../hostsConfig.ts";
import { dockerHostOf, knownHostOf, labelsOf, type MadeHosts, type MachineFacts, type NodeFacts } from "./madeHosts.ts";
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
export class ExistingHosts extends pulumi.ComponentResource implements MadeHosts {
  readonly managerHost: pulumi.Output<string>;
  readonly nodes: pulumi.Output<Record<string, NodeFacts>>;
  readonly machines: pulumi.Output<Record<string, MachineFacts>>;
  readonly hourlyPrice: pulumi.Output<number>;
  readonly privateKey: pulumi.Output<string>;
  readonly knownHosts: pulumi.Output<string>;

  constructor(
    name: string,
    { hosts, dialErrors = DIAL_ERRORS }: ExistingHostsArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("mcp:index:ExistingHosts", name, {}, opts);
    const { user, sshPort } = hosts;
    const parent = { parent: this };
    this.privateKey = pulumi.secret(readFileSync(hosts.keyFile, "utf8"));
    const names = machineNames(hosts);
    const known: pulumi.Output<string>[] = [];
    let manager: SwarmHost | undefined;
    for (const machine of names) {
      const settings = hosts.machines[machine];
      if (!settings) continue;
      const { address, privateAddress = address, gpus } = settings;
      const hostKey = settings.hostKey
        ? pulumi.output(settings.hostKey)
        : new SshFirstContact(machine, { host: address, port: sshPort }, parent).hostKey;
      known.push(hostKey.apply((key) => knownHostOf(address, sshPort, key)));
      const connection = { host: address, port: sshPort, user, privateKey: this.privateKey, hostKey };
      const host = new SwarmHost(
        machine,
        {
          ...{ connection, hostName: machine, address: privateAddress, gpus, machine: address, dialErrors },
          ...(manager ? { manager } : {}),
        },
        parent,
      );
      manager ??= host;
    }
    const entries = names.flatMap((machine) => {
      const settings = hosts.machines[machine];
      return settings ? [{ machine, ...settings }] : [];
    });
    const dockerHost = (address: string): string => dockerHostOf(user, address, sshPort);
    this.managerHost = pulumi.output(dockerHost(entries[0]?.address ?? ""));
    this.nodes = pulumi.output(
      Object.fromEntries(
        entries.map(({ machine, address, gpus, labels }) => [
          machine,
          { host: dockerHost(address), labels: labelsOf(gpus, labels) },
        ]),
      ),
    );
    this.machines = pulumi.output(
      Object.fromEntries(
        entries.map(({ machine, address }) => [
          machine,
          { ip: address, type: "existing", region: "", pricePerHour: 0 },
        ]),
      ),
    );
    this.hourlyPrice = pulumi.output(0);
    this.knownHosts = pulumi.all(known).apply((lines) => lines.join(""));
    this.registerOutputs({ managerHost: this.managerHost, nodes: this.nodes });
  }
}
