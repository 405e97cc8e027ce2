import { Fault } from "../wire/faults.ts";
import type { RoutedServer } from "./routedServer.ts";

/** A scrape that has no answer by then is none. */
const TIMEOUT_MS = 5000;

/** What the supervisor of one instance tells of itself. Throws Fault "not-found" for a name that no instance has. */
export async function readInstanceMetrics(
  servers: readonly RoutedServer[],
  name: string,
): Promise<{ text: string; contentType: string }> {
  const upstreams = servers.flatMap((server) => server.upstreams);
  const upstream = upstreams.find((each) => each.name === name);
  if (upstream === undefined) {
    const known = upstreams.map((each) => each.name).join(", ");
    throw new Fault("not-found", `unknown instance ${JSON.stringify(name)}; known: ${known}`);
  }
  const abort = new AbortController();
  // A Fault as the reason: one that is slow here does not count as down.
  const late = new Fault("timeout", `${name} did not answer its scrape within ${TIMEOUT_MS} ms`);
  const timer = setTimeout(() => abort.abort(late), TIMEOUT_MS);
  try {
    const { statusCode, headers, body } = await upstream.send({
      method: "GET",
      path: "/metrics",
      signal: abort.signal,
    });
    const text = await body.text();
    if (statusCode !== 200) throw new Fault("upstream", `${name} answers its scrape with ${statusCode}`);
    return { text, contentType: String(headers["content-type"] ?? "text/plain") };
  } finally {
    clearTimeout(timer);
  }
}
