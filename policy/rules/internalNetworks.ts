import { CONTAINER, MCP_SERVER, NETWORK, objectsOf, UNKNOWN, type DeclaredResource } from "../resource.ts";
import type { Finding, StackRule } from "../rule.ts";

/** R-NET-04: a server reaches nobody but who asks it. */
export const internalNetworks: StackRule = {
  name: "internal-networks",
  description: "MCP servers are on internal networks only.",
  severity: "mandatory",
  types: [CONTAINER, NETWORK],
  checkStack(resources) {
    const byUrn = new Map(resources.map((resource) => [resource.urn, resource]));
    return resources
      .filter(({ within }) => within.includes(MCP_SERVER))
      .flatMap((resource) => judge(resource, byUrn).map((finding) => ({ ...finding, resource })));
  },
};

function judge(resource: DeclaredResource, byUrn: ReadonlyMap<string, DeclaredResource>): Finding[] {
  if (resource.type === NETWORK) {
    return isOpen(resource) ? [{ why: "it is not internal", todo: "declare it with internal: true" }] : [];
  }
  if (resource.type !== CONTAINER) return [];
  const { networksAdvanced, networkMode } = resource.inputs;
  if (networksAdvanced !== UNKNOWN && objectsOf(networksAdvanced).length === 0 && networkMode !== "none") {
    return [
      { why: "it joins no network, which means Docker's default bridge", todo: "join the server's own EstateNetwork" },
    ];
  }
  const joined = (resource.propertySources["networksAdvanced"] ?? []).map((urn) => byUrn.get(urn));
  return (
    joined
      // Those of servers are judged themselves.
      .filter((network) => network?.type === NETWORK && !network.within.includes(MCP_SERVER) && isOpen(network))
      .map((network) => ({
        why: `it joins ${network?.name ?? ""}, which is not internal`,
        todo: "join the server's own EstateNetwork; the gateway carries what others send",
      }))
  );
}

/** Where it is not declared the provider decides, so that a preview does not know it either. */
function isOpen({ inputs: { internal } }: DeclaredResource): boolean {
  return internal !== true;
}
