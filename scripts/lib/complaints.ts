import { plainLines, readEvents } from "./engineEvents.ts";

/** Something that the program, a provider or a policy says against an update. */
export interface Complaint {
  /** refusal: the update does not happen; advice: it does. */
  kind: "refusal" | "advice";
  text: string;
}

/**
 * From the engine's event log: errors of the program and its providers, and what policies found, each once and in the
 * words of whoever said it.
 * @throws as readEvents does.
 */
export function readComplaints(text: string): Complaint[] {
  const found = readEvents(text).flatMap(({ diagnosticEvent, policyEvent }): Complaint[] => {
    if (diagnosticEvent?.severity === "error") {
      return [{ kind: "refusal", text: withoutAddress(plainLines(diagnosticEvent.message).join("\n")) }];
    }
    if (!policyEvent) return [];
    const { message, policyName, policyPackName, enforcementLevel, resourceUrn } = policyEvent;
    const where = resourceUrn === undefined ? "" : ` (${resourceUrn.split("::").at(-1) ?? resourceUrn})`;
    return [
      {
        kind: enforcementLevel === "mandatory" ? "refusal" : "advice",
        text: `policy ${policyPackName}/${policyName}${where}: ${plainLines(message).join(" ")}`,
      },
    ];
  });
  return [...new Map(found.map((complaint) => [complaint.text, complaint])).values()];
}

/** A provider's reason without `TYPE resource 'NAME': property P value {V} has a problem:`, which repeats it. */
function withoutAddress(message: string): string {
  return message.replace(/^\S+ resource '[^']*': property \S+ value \{.*?\} has a problem: /s, "");
}
