import { plainLines, type EngineEvent } from "../engineEvents.ts";
import { table } from "../log.ts";

/** What a policy says against a resource. */
export interface Violation {
  policy: string;
  /** mandatory: the update does not happen. */
  severity: "mandatory" | "advisory";
  /** Logical name without what every one begins with; "stack" for the whole. What an exemption names. */
  resource: string;
  why: string;
  /** "" where the pack does not say. */
  todo: string;
}

/**
 * From the engine's events, each once.
 * @param prefix what the names of resources begin with.
 */
export function violationsIn(events: readonly EngineEvent[], prefix: string): Violation[] {
  const found = events.flatMap(({ policyEvent }): Violation[] => {
    if (!policyEvent) return [];
    const { message, policyName, enforcementLevel, resourceUrn = "" } = policyEvent;
    // The engine's own: the policy's description first. Ours then give a line each of why and what to do.
    const [description = "", why = description, ...todo] = plainLines(message);
    return [
      {
        policy: policyName,
        severity: enforcementLevel === "advisory" ? "advisory" : "mandatory",
        resource: resourceOf(resourceUrn, prefix),
        why,
        todo: todo.join(" "),
      },
    ];
  });
  return [...new Map(found.map((violation) => [JSON.stringify(violation), violation])).values()];
}

export function isMandatory({ severity }: Violation): boolean {
  return severity === "mandatory";
}

function resourceOf(urn: string, prefix: string): string {
  const [, , type = "", name = ""] = urn.split("::");
  if (type === "" || type === "pulumi:pulumi:Stack") return "stack";
  return name.startsWith(prefix) ? name.slice(prefix.length) : name;
}

/** Violations as a table, those that refuse the update first, or one line that there is none. */
export function violationsTable(violations: readonly Violation[]): string {
  if (violations.length === 0) return "No policy is violated.";
  const refused = violations.filter(isMandatory);
  const advised = violations.filter((violation) => !isMandatory(violation));
  return [
    ...(refused.length > 0 ? [section(`Refused by policy (${refused.length})`, refused)] : []),
    ...(advised.length > 0 ? [section(`Policy advises (${advised.length})`, advised)] : []),
  ].join("\n\n");
}

function section(title: string, violations: readonly Violation[]): string {
  const rows = violations.flatMap(({ policy, resource, why, todo }) => [
    [policy, resource, why],
    ...(todo === "" ? [] : [["", "", `→ ${todo}`]]),
  ]);
  return `${title}:\n\n${table(["POLICY", "RESOURCE", "WHY, AND WHAT TO DO"], rows)}`;
}
