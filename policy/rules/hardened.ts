import { CONTAINER, DOCKER_FILTER, isInputs, SERVICE, textsOf, UNKNOWN, type DeclaredResource } from "../resource.ts";
import type { Finding, ResourceRule } from "../rule.ts";

/** R-LIM-13, R-SEC-08. */
export const hardened: ResourceRule = {
  name: "hardened",
  description:
    "Servers and the gateway drop all capabilities, gain no privileges, write nowhere but to volumes and are not root.",
  severity: "mandatory",
  types: [CONTAINER],
  check: (resource) => (isService(resource) ? [] : [...weaknesses(resource), ...rootUser(resource)]),
};

/** Their images are others': what they need is known to who declares them, so this is told and not refused. */
export const hardenedServices: ResourceRule = {
  name: "hardened-services",
  description: "Services drop all capabilities, gain no privileges and write nowhere but to volumes.",
  severity: "advisory",
  types: [CONTAINER],
  check: (resource) => (isService(resource) ? weaknesses(resource) : []),
};

function isService({ within }: DeclaredResource): boolean {
  return within.includes(SERVICE);
}

function weaknesses({ inputs: { capabilities, securityOpts, readOnly } }: DeclaredResource): Finding[] {
  const findings: Finding[] = [];
  const drops = isInputs(capabilities) ? textsOf(capabilities["drops"]) : [];
  if (capabilities !== UNKNOWN && !drops.some((each) => each.replace(/^CAP_/, "") === "ALL")) {
    findings.push({
      why: `capabilities.drop ${JSON.stringify(drops)} leaves capabilities`,
      todo: "set capabilities.drop: [ALL], and add by name what it cannot do without",
    });
  }
  const options = textsOf(securityOpts);
  if (securityOpts !== UNKNOWN && !options.some((each) => /^no-new-privileges(:true|=true)?$/.test(each))) {
    findings.push({ why: "a set-uid file gains privileges", todo: "set noNewPrivileges: true" });
  }
  for (const option of options.filter((each) => each.endsWith("unconfined"))) {
    findings.push({ why: `securityOpts ${option}`, todo: "take it out: Docker's own profile is the least there is" });
  }
  if (readOnly !== UNKNOWN && readOnly !== true) {
    findings.push({
      why: "the root file system can be written",
      todo: "set readOnly: true, with a tmpfs or a volume where it writes",
    });
  }
  return findings;
}

function rootUser({ inputs: { user }, within }: DeclaredResource): Finding[] {
  // Docker's socket is root's; without capabilities root can do no more than that.
  if (within.at(-1) === DOCKER_FILTER) return [];
  if (user === UNKNOWN || (typeof user === "string" && user !== "" && !/^(0|root)(:|$)/.test(user))) return [];
  return [{ why: `user ${JSON.stringify(user ?? "")} is root`, todo: "give it a uid of its own" }];
}
