import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { OWNER, type GatewayContract } from "../runtime/contract/index.ts";
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
  /** /29 of the network on which the edge finds it. */
  subnet: string;
  /** How long it may take to hear from every server after a start, in seconds. */
  readySeconds: number;
  servers: readonly McpServer[];
  /** Where spans of its requests go, and of which share of them. @default nowhere */
  traces?: { url: string; share: number } | undefined;
}

/** Every call ends with an answer or an error within this (R-GW-04). */
export const CALL_TIMEOUT_SECONDS = 30;
/** A killed server must show within 10 s. */
const HEALTH_INTERVAL_SECONDS = 2;
/** The hashes of all tokens. */
const TOKENS_FILE = "gateway-tokens.json";
const SESSION_KEY_FILE = "session-key";
/** 285 bits. */
const SESSION_KEY_LENGTH = 48;
const SCRATCH_MIB = 16;
/** The longest call that it has in hand, and what it takes to tell the edge. */
const STOP_SECONDS = CALL_TIMEOUT_SECONDS + 5;

/** The one way to the servers: joins every server's network, and one on which the edge finds it. */
export class Gateway extends pulumi.ComponentResource {
  /** Network on which it is found. */
  readonly networkName: pulumi.Output<string>;
  /** Name that all its containers have there. */
  readonly alias: string;
  /** A second one, for who asks the one on his own node. */
  readonly nearAlias: string;
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
    const keyArgs = { length: SESSION_KEY_LENGTH, special: false };
    const sessionKey = new random.RandomPassword(`${name}-session-key`, keyArgs, parent).result;
    const { subnet } = args;
    this.networkName = new EstateNetwork(
      name,
      { target, component: name, subnet, kind: "internal" },
      parent,
    ).networkName;
    this.alias = name;
    this.nearAlias = `${name}-near`;
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
        networks: [
          { network: this.networkName, aliases: [name, ...(target.tellsNode ? [this.nearAlias] : [])] },
          ...servers.map(({ networkName: network }) => ({ network, aliases: [name] })),
        ],
        ports: [],
        mounts: [],
        hostPaths: [],
        scratchMiB: { "/tmp": SCRATCH_MIB },
        probe: readinessProbe(args.health, "/health"),
        contract: contractOf(args, target.peers(name, this.networkName)).apply((contract) =>
          JSON.stringify(contract, null, 2),
        ),
        onNewContract: "reload",
        supervised: false,
        readySeconds: args.readySeconds,
        newBesideOld: true,
        stopSeconds: STOP_SECONDS,
        secrets: { [TOKENS_FILE]: tokens.hashes, [SESSION_KEY_FILE]: sessionKey },
        closed: false,
        knowsNode: true,
        replicas: gateway.replicas,
        placement: gateway.placement,
      },
      parent,
    );
    this.containerId = workload.containerId;
    this.effective = workload.effective;
    this.registerOutputs({ token: this.token, tokens: this.tokens, containerId: this.containerId });
  }
}

function contractOf(
  { target, gateway, servers, subnet, traces }: GatewayArgs,
  gatewayName: pulumi.Output<string> | undefined,
): pulumi.Output<GatewayContract> {
  return pulumi.output({
    version: 1,
    estate: target.owner.estate,
    stack: target.owner.stack,
    limits: gateway.limits,
    servers: servers.map((server) => server.route),
    tokensFile: TOKENS_FILE,
    principals: gateway.callers.filter(({ name }) => name !== OWNER).map(({ rights }) => rights),
    sessionKeyFile: SESSION_KEY_FILE,
    proxy: { subnet, ...(gatewayName ? { gatewayName } : {}) },
    ...(traces ? { traces } : {}),
    callTimeoutSeconds: CALL_TIMEOUT_SECONDS,
    healthIntervalSeconds: HEALTH_INTERVAL_SECONDS,
  });
}
