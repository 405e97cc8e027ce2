import { plainLines, type EngineEvent } from "./engineEvents.ts";

/** The engine's last word, that says no reason. */
const CONCLUSION = /^(preview|update) failed$/;

/**
 * Why the engine, the program or a provider refuses an update, from the engine's events: each once and in the words of whoever
 * said it. What policies say is not among it.
 */
export function refusalsIn(events: readonly EngineEvent[]): string[] {
  const found = events.flatMap(({ diagnosticEvent }) => {
    if (diagnosticEvent?.severity !== "error") return [];
    const message = withoutAddress(plainLines(diagnosticEvent.message).join("\n"));
    return CONCLUSION.test(message) ? [] : [message];
  });
  return [...new Set(found)];
}

/** A provider's reason without `TYPE resource 'NAME': property P value {V} has a problem:`, which repeats it. */
function withoutAddress(message: string): string {
  return message.replace(/^\S+ resource '[^']*': property \S+ value \{.*?\} has a problem: /s, "");
}
