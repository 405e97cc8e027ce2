import { STATE_VOLUME, VOLUME } from "../resource.ts";
import type { ResourceRule } from "../rule.ts";

/** R-VOL: a protected resource the engine refuses to remove or to replace. */
export const protectedVolumes: ResourceRule = {
  name: "protected-volumes",
  description: "Data volumes of a production stack cannot be removed by an update.",
  severity: "mandatory",
  types: [VOLUME],
  check({ protect, within }, { production }) {
    if (!production || protect || !within.includes(STATE_VOLUME)) return [];
    return [{ why: "an update may remove it", todo: "set mcp-estate:volumes.protect: true" }];
  },
};
