import * as pulumi from "@pulumi/pulumi";
import { SECRETS_DIR, SERVICE_PORT } from "../runtime/contract/index.ts";
import { EDGE_PROBE_PORT, edgeConfig } from "./edgeConfig.ts";
import type { EstateConfig } from "./estateConfig.ts";
import { EstateNetwork } from "./estateNetwork.ts";
import { CALL_TIMEOUT_SECONDS, type Gateway } from "./gateway.ts";
import { edgeRecipe, PROXY_CONFIG_NAME } from "./imageRecipe.ts";
import { uidOf } from "./naming.ts";
import type { EffectiveLimits } from "./providers/processLimit.ts";
import { readinessProbe } from "./readinessProbe.ts";
import type { Target } from "./targets/index.ts";

export interface EdgeArgs {
  target: Target;
  settings: EstateConfig["gateway"];
  health: EstateConfig["health"];
  /** /29 of the network that carries the published port. */
  subnet: string;
  /** Who takes the calls. */
  gateway: Gateway;
}

const CERTIFICATE_NAME = "edge.pem";
/** It holds no call back: what it has in hand at its end is in the gateway's. */
const STOP_SECONDS = 10;
const SCRATCH_MIB = 1;

/**
 * Owns the published port and stays when gateways come and go: HAProxy, which hands calls to the gateway that is there
 * and loses none when another one takes its place (docs/adr/0014-edge.md).
 */
export class Edge extends pulumi.ComponentResource {
  /** Base URL on the host, for example http://127.0.0.1:11000. */
  readonly url: string;
  readonly imageId: pulumi.Output<string>;
  readonly containerId: pulumi.Output<string>;
  /** Limits in force, as the last update found them. */
  readonly effective: pulumi.Output<EffectiveLimits>;

  constructor(name: string, args: EdgeArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mcp:index:Edge", name, {}, opts);
    const { target, settings, gateway } = args;
    const { port, bind, tls, edgeLimits: limits } = settings;
    const user = uidOf(target.owner, name);
    const parent = { parent: this };
    const network = new EstateNetwork(name, { target, component: name, subnet: args.subnet, kind: "edge" }, parent);
    this.imageId = target.image(name, edgeRecipe({ user }), parent);
    const config = gateway.address.apply((container) =>
      edgeConfig({
        gateway: container,
        alias: gateway.alias,
        callTimeoutSeconds: CALL_TIMEOUT_SECONDS,
        ...(tls ? { certificate: `${SECRETS_DIR}/${CERTIFICATE_NAME}` } : {}),
      }),
    );
    const workload = target.workload(
      name,
      {
        component: name,
        hostname: name,
        image: this.imageId,
        user,
        group: user,
        limits,
        networks: [network.networkName, gateway.networkName].map((each) => ({ network: each, aliases: [name] })),
        ports: [{ containerPort: SERVICE_PORT, hostPort: port, bind, tls: tls !== undefined }],
        mounts: [],
        scratchMiB: { "/tmp": SCRATCH_MIB },
        probe: readinessProbe(args.health, "/health", EDGE_PROBE_PORT),
        contract: JSON.stringify({ version: 1, limits }),
        onNewContract: "reload",
        supervised: false,
        // Two cannot publish one port.
        newBesideOld: false,
        stopSeconds: STOP_SECONDS,
        secrets: {
          [PROXY_CONFIG_NAME]: config,
          ...(tls ? { [CERTIFICATE_NAME]: pulumi.secret(`${tls.certificate.trim()}\n${tls.key.trim()}\n`) } : {}),
        },
        closed: false,
      },
      parent,
    );
    this.containerId = workload.containerId;
    this.effective = workload.effective;
    this.url = `${tls ? "https" : "http"}://${bind === "0.0.0.0" ? "127.0.0.1" : bind}:${port}`;
    this.registerOutputs({ url: this.url, containerId: this.containerId });
  }
}
