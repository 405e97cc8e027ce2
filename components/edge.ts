import * as pulumi from "@pulumi/pulumi";
import { SECRETS_DIR, SERVICE_PORT } from "../runtime/contract/index.ts";
import { EDGE_PROBE_PORT, edgeConfig } from "./edgeConfig.ts";
import type { EstateConfig } from "./estateConfig.ts";
import { CALL_TIMEOUT_SECONDS, type Gateway } from "./gateway.ts";
import { edgeRecipe, PROXY_CONFIG_NAME } from "./imageRecipe.ts";
import { PackagedProgram } from "./packagedProgram.ts";
import type { Target, WorkloadSpec } from "./targets/index.ts";

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
const SCRATCH_MIB = 1;

/**
 * Owns the published port and stays when gateways come and go: HAProxy, which hands calls to the gateway that is there
 * and loses none when another one takes its place (docs/adr/0014-edge.md).
 */
export class Edge extends PackagedProgram {
  /** Base URL on the host, for example http://127.0.0.1:11000. */
  readonly url: string;

  constructor(name: string, args: EdgeArgs, opts?: pulumi.ComponentResourceOptions) {
    const { target, health, subnet, settings, gateway } = args;
    const { port, bind, tls, edgeLimits: limits } = settings;
    super(
      "mcp:index:Edge",
      name,
      {
        target,
        health,
        subnet,
        recipe: edgeRecipe,
        limits,
        networks: [gateway.networkName],
        ports: [{ containerPort: SERVICE_PORT, hostPort: port, bind, tls: tls !== undefined }],
        scratchMiB: SCRATCH_MIB,
        probe: { path: "/health", port: EDGE_PROBE_PORT },
        knowsNode: true,
        files: filesOf(args),
      },
      opts,
    );
    this.url = `${tls ? "https" : "http"}://${bind === "0.0.0.0" ? "127.0.0.1" : bind}:${port}`;
    this.registerOutputs({ url: this.url, containerId: this.containerId });
  }
}

function filesOf({ target, settings, gateway: { alias, nearAlias } }: EdgeArgs): WorkloadSpec["secrets"] {
  const { tls, replicas: gateways } = settings;
  const near = target.tellsNode ? { nearAlias } : {};
  const certificate = tls ? { certificate: `${SECRETS_DIR}/${CERTIFICATE_NAME}` } : {};
  const config = edgeConfig({ alias, gateways, callTimeoutSeconds: CALL_TIMEOUT_SECONDS, ...near, ...certificate });
  if (!tls) return { [PROXY_CONFIG_NAME]: config };
  const pem = pulumi.secret(`${tls.certificate.trim()}\n${tls.key.trim()}\n`);
  return { [PROXY_CONFIG_NAME]: config, [CERTIFICATE_NAME]: pem };
}
