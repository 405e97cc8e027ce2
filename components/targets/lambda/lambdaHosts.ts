import * as pulumi from "@pulumi/pulumi";
import type { Owner } from "../../naming.ts";
import type { LambdaAccessInputs } from "../../providers/lambda/access.ts";
import type { FirewallRule } from "../../providers/lambda/objects.ts";
import { userData } from "../hosts/bootstrapScripts.ts";
import { machineNames } from "../../hostsConfig.ts";
import type { LambdaHostsConfig } from "../../lambdaHostsConfig.ts";
import { hostsFacts, type HostsFacts } from "../hosts/madeHosts.ts";
import { LambdaAccount } from "./lambdaAccount.ts";
import { LambdaFirewallRuleset } from "./lambdaFirewallRuleset.ts";
import { LambdaInstance } from "./lambdaInstance.ts";
import { LambdaSshKey } from "./lambdaSshKey.ts";
import { SshHostKey } from "../hosts/sshHostKey.ts";
import { SwarmHost } from "../hosts/swarmHost.ts";

export interface LambdaHostsArgs {
  owner: Owner;
  hosts: LambdaHostsConfig;
  /** Shorter times, of tests. @default Lambda's own */
  hurry?: LambdaAccessInputs["hurry"];
  /** Tries to reach a machine over ssh. @default those of a SwarmHost */
  dialErrors?: number;
}

/** Private addresses of Lambda's machines. */
const PRIVATE = "10.0.0.0/8";
const ANYBODY = "0.0.0.0/0";

/** Machines at Lambda Labs that are a swarm: launched, known by keys of their own, booted, proved, joined. */
export class LambdaHosts extends pulumi.ComponentResource {
  readonly facts: HostsFacts;

  constructor(name: string, args: LambdaHostsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mcp:index:LambdaHosts", name, {}, opts);
    const { owner, hosts, hurry, dialErrors } = args;
    const parent = { parent: this };
    const ownerTag = `${owner.estate}/${owner.stack}`;
    const access = { access: { baseUrl: hosts.baseUrl, tokenFile: hosts.tokenFile }, ...(hurry ? { hurry } : {}) };
    const names = machineNames(hosts);
    const atLambda = (machine: string): string => `${owner.estate}-${owner.stack}-${machine}`;

    const account = new LambdaAccount(
      name,
      { ...access, owner: ownerTag, names: names.map(atLambda), rulesets: hosts.regions.map(atLambda) },
      parent,
    );
    const after = { parent: this, dependsOn: [account] };
    const user = new SshHostKey(`${name}-user`, `${ownerTag} user`, parent);
    const keyName = atLambda("user");
    const key = new LambdaSshKey(name, { ...access, name: keyName, publicKey: user.publicKey }, after);
    const rules = firewallRules(hosts);
    const rulesets = hosts.regions.map((region) => {
      const args = { ...access, name: atLambda(region), region, rules, leaveHeld: true };
      return [region, new LambdaFirewallRuleset(region, args, after)] as const;
    });
    const firewallRulesets = Object.fromEntries(rulesets.map(([region, { id }]) => [region, id]));

    let manager: { host: SwarmHost; region: pulumi.Output<string> } | undefined;
    const made = names.map((machine) => {
      const hostKey = new SshHostKey(machine, `${ownerTag} ${machine}`, parent);
      const instance = new LambdaInstance(
        machine,
        {
          ...access,
          name: atLambda(machine),
          owner: ownerTag,
          types: hosts.machines[machine]?.types ?? hosts.types,
          // The others reach the first by its private address.
          regions: manager ? manager.region.apply((region) => [region]) : hosts.regions,
          sshKey: key.id.apply(() => keyName),
          maxHourlyPrice: hosts.maxHourlyPrice,
          firewallRulesets,
          userData: pulumi.secret(pulumi.all([hostKey.privateKey, hostKey.publicKey]).apply(asUserData)),
          ...(hosts.imageFamily === undefined ? {} : { imageFamily: hosts.imageFamily }),
        },
        {
          ...{ parent: this, dependsOn: [account, key] },
          // Another first machine in another region is no reason to give this one back, with what is on it.
          ...(manager ? { ignoreChanges: ["regions"] } : {}),
        },
      );
      const host = new SwarmHost(
        machine,
        {
          connection: {
            host: instance.ip,
            port: hosts.sshPort,
            user: hosts.user,
            privateKey: user.privateKey,
            hostKey: hostKey.publicKey,
          },
          hostName: atLambda(machine),
          address: pulumi.all([instance.privateIp, instance.ip]).apply(([own, open]) => own || open),
          gpus: instance.gpus,
          machine: instance.instanceId,
          machineResource: instance,
          ...(manager ? { manager: manager.host } : {}),
          ...(dialErrors === undefined ? {} : { dialErrors }),
        },
        parent,
      );
      manager ??= { host, region: instance.region };
      const { ip: address, gpus, type, region, priceCentsPerHour } = instance;
      const labels = hosts.machines[machine]?.labels ?? {};
      const known = { name: atLambda(machine), address, hostKey: hostKey.publicKey, gpus, labels };
      return { ...known, type, region, priceCentsPerHour };
    });

    this.facts = hostsFacts(made, { user: hosts.user, port: hosts.sshPort, privateKey: user.privateKey });
    const { managerHost, nodes, hourlyPrice } = this.facts;
    this.registerOutputs({ managerHost, nodes, hourlyPrice });
  }
}

function asUserData([privateKey, publicKey]: [string, string]): string {
  return userData({ privateKey, publicKey });
}

/** What a swarm's nodes say to each other, ssh, and the gateway. */
function firewallRules({ gatewayPort, sshPort }: LambdaHostsConfig): FirewallRule[] {
  const port = (
    protocol: "tcp" | "udp",
    number: number,
    source_network: string,
    description: string,
  ): FirewallRule => ({
    ...{ protocol, port_range: [number, number], source_network, description },
  });
  return [
    port("tcp", sshPort, ANYBODY, "ssh"),
    port("tcp", 2377, PRIVATE, "swarm: management"),
    port("tcp", 7946, PRIVATE, "swarm: who is there"),
    port("udp", 7946, PRIVATE, "swarm: who is there"),
    port("udp", 4789, PRIVATE, "swarm: networks"),
    port("tcp", gatewayPort, ANYBODY, "the gateway"),
  ];
}
