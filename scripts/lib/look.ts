import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findDrift, type Drift } from "./drift.ts";
import { readEvents, resourceSteps, type ResourceStep } from "./engineEvents.ts";
import { capture } from "./exec.ts";
import { projectDir } from "./paths.ts";
import { plannedChanges, type PlannedChange } from "./plan.ts";
import { isMandatory, violationsIn, type Violation } from "./policies/violations.ts";
import type { Prepared } from "./prepare.ts";
import { projectName } from "./projectName.ts";
import { refusalsIn } from "./refusals.ts";
import { UserError } from "./userError.ts";

export interface Findings {
  drift: Drift[];
  changes: PlannedChange[];
  /** What policies have against it, where the engine was given a pack. */
  violations: Violation[];
}

/** A preview as the engine ran it, whether it came to an end or not. */
export interface Observation extends Findings {
  steps: ResourceStep[];
  /** What program and providers had against it. */
  refusals: string[];
  /** The engine's diagnostics when it refused; undefined when the preview came to its end, policies violated or not. */
  failure: string | undefined;
}

/**
 * Asks the engine what is there and what an update would do, and puts its events into words.
 * @param program folder of the program.
 * @throws UserError with the engine's own lines when the preview fails.
 */
export async function look(
  prepared: Prepared,
  stack: string,
  args: readonly string[] = [],
  program = projectDir,
): Promise<Findings> {
  const observation = await observe(prepared, stack, args, program);
  if (observation.failure !== undefined) {
    throw new UserError(`the preview of stack "${stack}" failed:\n${observation.failure}`);
  }
  return observation;
}

/** The same for who wants to know also what was found before a refusal. Never throws for one. */
export async function observe(
  prepared: Prepared,
  stack: string,
  args: readonly string[] = [],
  program = projectDir,
): Promise<Observation> {
  const folder = mkdtempSync(join(tmpdir(), "mcp-estate-events-"));
  const log = join(folder, "events.json");
  try {
    const { code, stdout, stderr } = await capture(
      prepared.engine.file,
      ["preview", "--stack", stack, "--refresh", "--non-interactive", "--color", "never", "--event-log", log, ...args],
      // The engine hides its event log behind this variable, as its own Automation API does.
      { cwd: program, env: { ...prepared.env, PULUMI_DEBUG_COMMANDS: "true" } },
    );
    // An engine that gives up before it begins writes none.
    const events = existsSync(log) ? readEvents(readFileSync(log, "utf8")) : [];
    const steps = resourceSteps(events);
    const prefix = `${projectName(projectDir)}-${stack.split("/").at(-1) ?? stack}-`;
    const refusals = refusalsIn(events);
    const violations = violationsIn(events, prefix);
    // Policies look at the whole plan, however many are violated.
    const isWhole = code === 0 || (refusals.length === 0 && violations.some(isMandatory));
    return {
      steps,
      drift: findDrift(steps, prefix),
      changes: plannedChanges(steps, prefix),
      violations,
      refusals,
      failure: isWhole ? undefined : engineFailure(stdout + stderr),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The engine's diagnostics without its list of resources. */
function engineFailure(output: string): string {
  const start = output.indexOf("Diagnostics:");
  return (start < 0 ? output : output.slice(start + "Diagnostics:".length)).trim();
}
