import { CONTAINER, isInputs, textsOf } from "../resource.ts";
import type { Finding, ResourceRule } from "../rule.ts";

/** Each of them alone is a way to the host (capabilities(7)). */
const HOST_CAPABILITIES = new Set([
  "ALL",
  "BPF",
  "DAC_READ_SEARCH",
  "NET_ADMIN",
  "SYS_ADMIN",
  "SYS_BOOT",
  "SYS_MODULE",
  "SYS_PTRACE",
  "SYS_RAWIO",
]);

/** R-LIM-13. */
export const privileged: ResourceRule = {
  name: "no-privileged",
  description: "No container is privileged or has a capability over the host.",
  severity: "mandatory",
  types: [CONTAINER],
  check({ inputs: { privileged: isPrivileged, capabilities } }) {
    const findings: Finding[] = [];
    if (isPrivileged === true) {
      findings.push({ why: "privileged: true, which is root on the host", todo: "take privileged out" });
    }
    const adds = isInputs(capabilities) ? textsOf(capabilities["adds"]) : [];
    for (const capability of adds.filter((each) => HOST_CAPABILITIES.has(each.replace(/^CAP_/, "")))) {
      findings.push({
        why: `capability ${capability} reaches the host`,
        todo: `take ${capability} out of capabilities.add; most programs need none of the added ones`,
      });
    }
    return findings;
  },
};
