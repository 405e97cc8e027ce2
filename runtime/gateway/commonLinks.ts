import type { RoutedServer } from "./routedServer.ts";
import type { Upstream } from "./upstream.ts";
import { UpstreamLink } from "./upstreamLink.ts";
import { GATEWAY_CLIENT } from "./upstreamSession.ts";

/** Sessions for calls that have none of their own: one with each shared instance, one for each principal with an isolated one. */
export class CommonLinks {
  readonly #links = new Map<Upstream, Map<string | undefined, UpstreamLink>>();

  of(server: RoutedServer, upstream: Upstream, caller: string): UpstreamLink {
    const principal = server.contract.sharing === "isolated" ? caller : undefined;
    const links = this.#links.get(upstream) ?? new Map<string | undefined, UpstreamLink>();
    this.#links.set(upstream, links);
    const known = links.get(principal);
    if (known !== undefined) return known;
    const link = new UpstreamLink(upstream, GATEWAY_CLIENT, { principal, common: true });
    links.set(principal, link);
    return link;
  }

  /** Who may call no more leaves no child behind. */
  retain(principals: readonly string[]): void {
    for (const links of this.#links.values()) {
      for (const [principal, link] of links) {
        if (principal === undefined || principals.includes(principal)) continue;
        links.delete(principal);
        link.close();
      }
    }
  }

  /** The instance is no longer used; its sessions may be another gateway's too, so they are left alone. */
  drop(upstream: Upstream): void {
    this.#links.delete(upstream);
  }
}
