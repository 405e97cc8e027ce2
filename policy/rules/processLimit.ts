import { CONTAINER, isInputs, PROCESS_LIMIT, UNKNOWN, type DeclaredResource } from "../resource.ts";
import type { StackRule } from "../rule.ts";

/** R-LIM-01, R-LIM-14: the docker provider has no pids limit, so a resource beside the container sets it. */
export const processLimit: StackRule = {
  name: "process-limit",
  description: "Every container has a limit of tasks, set by a ProcessLimit.",
  severity: "mandatory",
  types: [CONTAINER, PROCESS_LIMIT],
  checkStack(resources) {
    const limited = new Set(
      resources
        .filter((resource) => resource.type === PROCESS_LIMIT && setsPids(resource))
        .flatMap(({ propertySources }) => propertySources["containerId"] ?? []),
    );
    return resources
      .filter(({ type, urn }) => type === CONTAINER && !limited.has(urn))
      .map((resource) => ({
        resource,
        why: "no ProcessLimit with a pids limit refers to it",
        todo: "declare it through the target, or give it new ProcessLimit(name, { containerId, component, limits })",
      }));
  },
};

function setsPids({ inputs: { limits } }: DeclaredResource): boolean {
  if (limits === UNKNOWN) return true;
  const pids = isInputs(limits) ? limits["pids"] : undefined;
  return pids === UNKNOWN || (typeof pids === "number" && pids > 0);
}
