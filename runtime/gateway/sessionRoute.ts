import { Fault } from "../wire/faults.ts";
import type { RoutedServer } from "./routedServer.ts";
import type { Upstream } from "./upstream.ts";

/**
 * A client's session lives in one instance. Its name stands in the id that the client gets, so that every gateway
 * replica finds it without a table: `memory--2.Vu3x…`.
 */
const SEPARATOR = ".";

/** The supervisor's id as the client gets it. */
export function publicSessionId(upstream: Upstream, id: string): string {
  return `${upstream.name}${SEPARATOR}${id}`;
}

export interface SessionPlace {
  readonly upstream: Upstream;
  /** The supervisor's own id. */
  readonly id: string;
}

/**
 * Where a client's session lives. Throws Fault: 404 when its instance is gone and another can take a new session, as
 * the protocol has it; 503 when none can.
 */
export function findSession(server: RoutedServer, publicId: string): SessionPlace {
  const at = publicId.indexOf(SEPARATOR);
  const upstream = server.upstream(publicId.slice(0, Math.max(0, at)));
  const returns = upstream?.paused === true && !server.routable;
  if (upstream !== undefined && (upstream.routable || returns)) return { upstream, id: publicId.slice(at + 1) };
  server.requireRoutable();
  throw new Fault("not-found", "this session is not known (any more): initialize again");
}
