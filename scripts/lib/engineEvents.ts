import { z } from "zod";

/** What the engine's event log says of one resource; secrets are masked by the engine. */
const stateSchema = z.looseObject({
  inputs: z.record(z.string(), z.unknown()).optional(),
  outputs: z.record(z.string(), z.unknown()).optional(),
});
const metadataSchema = z.looseObject({
  op: z.string(),
  urn: z.string(),
  type: z.string(),
  old: stateSchema.nullish(),
  new: stateSchema.nullish(),
  diffs: z.array(z.string()).nullish(),
  keys: z.array(z.string()).nullish(),
});
const eventSchema = z.looseObject({
  resourcePreEvent: z.looseObject({ metadata: metadataSchema, planning: z.boolean().optional() }).optional(),
  resOutputsEvent: z.looseObject({ metadata: metadataSchema }).optional(),
  diagnosticEvent: z.looseObject({ severity: z.string(), message: z.string(), urn: z.string().optional() }).optional(),
  policyEvent: z
    .looseObject({
      message: z.string(),
      policyName: z.string(),
      policyPackName: z.string(),
      enforcementLevel: z.string(),
      resourceUrn: z.string().optional(),
    })
    .optional(),
});

export type EngineEvent = z.infer<typeof eventSchema>;

/** One step of the engine on one resource. `planned` comes before its work, `done` after. */
export interface ResourceStep {
  when: "planned" | "done";
  /** refresh, same, create, update, replace, delete, … */
  op: string;
  /** Type token, for example `docker:index/container:Container`. */
  type: string;
  /** Logical name. */
  name: string;
  old: z.infer<typeof stateSchema> | undefined;
  new: z.infer<typeof stateSchema> | undefined;
  /** Properties that the provider names as changed. */
  diffs: readonly string[];
  /** Properties that make a replacement. */
  replaceKeys: readonly string[];
}

/**
 * Reads the engine's event log (`--event-log`): one JSON object a line. A last line that is cut off is left out.
 * @throws SyntaxError or ZodError when another line is not what the engine writes.
 */
export function readEvents(text: string): EngineEvent[] {
  const lines = text.split("\n");
  lines.pop();
  return lines.map((line) => eventSchema.parse(JSON.parse(line)));
}

/** The steps among an engine's events. */
export function resourceSteps(events: readonly EngineEvent[]): ResourceStep[] {
  return events.flatMap((event) => {
    const when = event.resourcePreEvent ? "planned" : "done";
    const metadata = (event.resourcePreEvent ?? event.resOutputsEvent)?.metadata;
    if (metadata === undefined) return [];
    return [
      {
        when,
        op: metadata.op,
        type: metadata.type.split("$").at(-1) ?? metadata.type,
        name: metadata.urn.split("::").at(-1) ?? "",
        old: metadata.old ?? undefined,
        new: metadata.new ?? undefined,
        diffs: metadata.diffs ?? [],
        replaceKeys: metadata.keys ?? [],
      } satisfies ResourceStep,
    ];
  });
}

/** What an update did, whatever its end. */
export interface UpdateFindings {
  /** Something of the estate was changed, or was about to be. */
  touched: boolean;
  /** What failed: the resource, "" for the whole, and the lines of why. */
  failures: ReadonlyArray<{ resource: string; lines: readonly string[] }>;
}

/** Steps that leave the world as it is. */
const HARMLESS = new Set(["same", "read", "refresh"]);

/** Reads the event log of an update that may have been broken off: what is no whole event is left out. */
export function readUpdateFindings(text: string): UpdateFindings {
  const events = text.split("\n").flatMap((line) => {
    try {
      return [eventSchema.parse(JSON.parse(line))];
    } catch {
      return [];
    }
  });
  const steps = events.flatMap(({ resourcePreEvent }) =>
    resourcePreEvent?.planning === true ? [] : (resourcePreEvent ?? []),
  );
  const errors = events.flatMap(({ diagnosticEvent }) =>
    diagnosticEvent?.severity === "error" ? [diagnosticEvent] : [],
  );
  return {
    touched: steps.some(({ metadata }) => !HARMLESS.has(metadata.op) && !metadata.type.startsWith("pulumi:")),
    failures: errors.map(({ urn = "", message }) => ({ resource: resourceOf(urn), lines: plainLines(message) })),
  };
}

function resourceOf(urn: string): string {
  const [, , types = "", name = ""] = urn.split("::");
  return types === "pulumi:pulumi:Stack" ? "" : name;
}

/** Without the engine's colour marks, indentation and empty lines. */
export function plainLines(message: string): string[] {
  const lines = message.replaceAll(/<\{%[^%]*%\}>/g, "").split("\n");
  return lines.map((line) => line.trim()).filter((line) => line !== "");
}
