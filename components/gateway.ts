import * as pulumi from "@pulumi/pulumi";
import { OWNER, SERVICE_PORT, type GatewayContract } from "../runtime/contract/index.ts";
import type { EstateConfig } from "./estateConfig.ts";
import { EstateNetwork } from "./estateNetwork.ts";
import { GatewayTokens } from "./gatewayTokens.ts";
import { gatewayRecipe } from "./imageRecipe.ts";
import type { McpServer } from "./mcpServer.ts";
import { uidOf } from "./naming.ts";
import type { EffectiveLimits } from "./providers/processLimit.ts";
import { readinessProbe } from "./readinessProbe.ts";
import type { Target } from "./targets/index.ts";

export interface GatewayArgs {
  target: Target;
  gateway: EstateConfig["gateway"];
  health: EstateConfig["health"];
  /** /29 of the network that carries the published port. */
  edgeSubnet: string;
  servers: readonly McpServer[];
}

/** Every call ends with an answer or an error within this (R-GW-04). */
const CALL_TIMEOUT_SECONDS = 30;
/** A killed server must show within 10 s. */
const HEALTH_INTERVAL_SECONDS = 2;
/** The hashes of all tokens. */
const TOKENS_FILE = "gateway-tokens.json";
const SCRATCH_MIB = 16;

/** The one way in: joins every server's network and publishes one port of the host. */
export class Gateway extends pulumi.ComponentResource {
  /** Base URL on the host, for example http://127.0.0.1:11000. */
  readonly url: string;
  /** The owner's current bearer token; secret. */
  readonly token: pulumi.Output<string>;
  /** Every other valid token by its caller, see GatewayTokens; secret. */
  readonly tokens: Readonly<Record<string, pulumi.Output<string>>>;
  readonly imageId: pulumi.Output<string>;
  readonly containerId: pulumi.Output<string>;
  /** Limits in force, as the last update found them. */
  readonly effective: pulumi.Output<EffectiveLimits>;

  constructor(name: string, args: GatewayArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mcp:index:Gateway", name, {}, opts);
    const { target, gateway, servers } = args;
    const user = uidOf(target.owner, name);
    const parent = { parent: this };

    const tokens = new GatewayTokens(`${name}-token`, gateway.callers, parent);
    this.token = tokens.owner;
    this.tokens = tokens.others;
    const edge = new EstateNetwork(
      `${name}-edge`,
      { target, component: name, subnet: args.edgeSubnet, kind: "edge" },
      parent,
    );
    this.imageId = target.image(name, gatewayRecipe({ user }), parent);
    const workload = target.workload(
      name,
      {
        component: name,
        hostname: name,
        image: this.imageId,
        user,
        group: user,
        limits: gateway.limits,
        networks: [edge.networkName, ...servers.map((server) => server.networkName)].map((network) => ({
          network,
          aliases: [name],
        })),
        ports: [{ containerPort: SERVICE_PORT, hostPort: gateway.port, bind: gateway.bind }],
        mounts: [],
        scratchMiB: { "/tmp": SCRATCH_MIB },
        probe: readinessProbe(args.health, "/health"),
        contract: contractOf(args).apply((contract) => JSON.stringify(contract, null, 2)),
        supervised: false,
        // Two cannot publish one port.
        newBesideOld: false,
        secrets: { [TOKENS_FILE]: tokens.hashes },
        closed: false,
      },
      parent,
    );
    this.containerId = workload.containerId;
    this.effective = workload.effective;
    this.url = `http://${gateway.bind === "0.0.0.0" ? "127.0.0.1" : gateway.bind}:${gateway.port}`;
    this.registerOutputs({ url: this.url, token: this.token, tokens: this.tokens, containerId: this.containerId });
  }
}

function contractOf({ target, gateway, servers }: GatewayArgs): pulumi.Output<GatewayContract> {
  return pulumi.output({
    version: 1,
    estate: target.owner.estate,
    stack: target.owner.stack,
    limits: gateway.limits,
    servers: servers.map((server) => server.route),
    tokensFile: TOKENS_FILE,
    principals: gateway.callers.filter(({ name }) => name !== OWNER).map(({ rights }) => rights),
    callTimeoutSeconds: CALL_TIMEOUT_SECONDS,
    healthIntervalSeconds: HEALTH_INTERVAL_SECONDS,
  });
}
