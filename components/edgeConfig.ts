import { NEAR_PORT, NODE_HEADER, NODE_VARIABLE, SERVICE_PORT } from "../runtime/contract/index.ts";

/** Where the edge tells on its own loopback whether it has reached a gateway, for the container's probe. */
export const EDGE_PROBE_PORT = 8001;

export interface EdgeConfigArgs {
  /** Name that all gateway containers answer to. */
  alias: string;
  /** Name under which gateways tell whether they run on the edge's own node. @default there is one node */
  nearAlias?: string;
  /** File with certificate and key in the container. @default none: plain HTTP */
  certificate?: string;
  /** Gateways that take calls at once, as declared. */
  gateways: number;
  /** Seconds that a call may take. */
  callTimeoutSeconds: number;
}

/** How many times as many may be there for a while: those that go, those that come, some to spare. */
const OVERLAP = 3;
/** A gateway that has said nothing for so long after a call's end is gone with its node; on a stream it speaks every 15 s. */
const GONE_SECONDS = 5;
/** Longer than any pause between two signs of life on a stream; the gateway gives one every 15 s. */
const IDLE_SECONDS = 75;
/** Answers of the edge's own, where the gateway cannot give one. */
const OWN_ANSWERS: Readonly<Record<number, string>> = {
  400: "the request cannot be read",
  408: "the request did not come in time",
  413: "the request is too large",
  502: "the gateway broke off in mid-answer",
  503: "no gateway can take the call: it is starting or has failed",
  504: "the gateway did not answer in time",
};

/**
 * HAProxy's configuration. Calls go to whatever answers to the gateways' name, as Docker's name server knows it at any
 * moment, and takes calls. A gateway that starts does not listen yet, and one that ends says so (404 on `/ready`). So the
 * switch from one to the other needs no other configuration: a worker that has been told to go looks at no name and asks
 * nobody any more, and the clients that it still has would be sent to a gateway that is gone.
 */
export function edgeConfig({ alias, nearAlias, certificate, gateways, callTimeoutSeconds }: EdgeConfigArgs): string {
  const answers = Object.entries(OWN_ANSWERS).map(
    ([status, error]) =>
      `  http-error status ${status} content-type application/json string '${JSON.stringify({ error, detail: error })}'`,
  );
  const lines = [
    "global",
    "  log stdout format raw daemon notice",
    "  nbthread 1",
    // A stream has no end of its own: what is left of an old worker goes then.
    `  hard-stop-after ${callTimeoutSeconds + 5}s`,
    "resolvers docker",
    "  nameserver engine 127.0.0.11:53",
    "  resolve_retries 2",
    "  timeout resolve 500ms",
    "  timeout retry 500ms",
    "  hold valid 500ms",
    "defaults",
    "  mode http",
    "  log global",
    "  option dontlog-normal",
    "  timeout connect 1s",
    "  timeout queue 1s",
    "  timeout http-request 10s",
    `  timeout client ${IDLE_SECONDS}s`,
    `  timeout server ${callTimeoutSeconds + GONE_SECONDS}s`,
    `  timeout http-keep-alive ${IDLE_SECONDS}s`,
    "  option redispatch 1",
    "  retries 3",
    // Only where nothing was sent: a call is never made twice.
    "  retry-on conn-failure",
    ...answers,
    "frontend calls",
    `  bind :${SERVICE_PORT}${certificate ? ` ssl crt ${certificate} ssl-min-ver TLSv1.2 alpn http/1.1` : ""}`,
    "  http-request set-header X-Forwarded-For %[src]",
    "  default_backend gateway",
    "frontend probe",
    `  bind 127.0.0.1:${EDGE_PROBE_PORT}`,
    // Once it has had a gateway it is well: that one is gone is the gateway's fault, and Docker Swarm would end the edge for it.
    "  acl reaches nbsrv(gateway) ge 1",
    "  acl reached var(proc.reached) -m bool",
    "  http-request set-var(proc.reached) bool(true) if reaches",
    "  http-request return status 200 if { path /health } reached",
    "  http-request return status 503",
    "backend gateway",
    "  balance leastconn",
    "  option httpchk",
    `  http-check send meth GET uri /ready ver HTTP/1.1 hdr Host gateway${nearAlias ? ` hdr ${NODE_HEADER} "\${${NODE_VARIABLE}}"` : ""}`,
    "  http-check expect status 200",
    "  http-check disable-on-404",
    "  timeout check 5s",
    // Slow is not down: three failures in a row, or a refused connection.
    "  default-server check inter 500ms downinter 250ms fall 3 rise 1 observe layer4 error-limit 1 on-error mark-down resolvers docker resolve-prefer ipv4 init-addr none",
    ...gatewayServers(OVERLAP * gateways, alias, nearAlias),
  ];
  return `${lines.join("\n")}\n`;
}

/**
 * Of several nodes, the gateway on the edge's own first: a node that is lost takes no call of the others' callers with it. The
 * names differ because HAProxy gives an address to one server of a name only.
 */
function gatewayServers(count: number, alias: string, nearAlias: string | undefined): string[] {
  if (nearAlias === undefined) return [`  server-template gateway ${count} ${alias}:${SERVICE_PORT}`];
  return [
    "  option allbackups",
    `  server-template near ${count} ${nearAlias}:${SERVICE_PORT} port ${NEAR_PORT}`,
    `  server-template far ${count} ${alias}:${SERVICE_PORT} backup`,
  ];
}
