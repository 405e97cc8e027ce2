import { isDeepStrictEqual } from "node:util";
import type { DiffResult, ResourceProvider } from "@pulumi/pulumi/dynamic/index.js";
import { runSmoke, type SmokeCheck, type SmokeReport, type SmokeSpec } from "./smoke/suite.ts";

/** Inputs of the resource: what the suite needs, and what makes it run again. */
export interface SmokeGateInputs extends SmokeSpec {
  /** Component → what its container was given and when it was last touched. */
  touched: Readonly<Record<string, string>>;
}

export interface SmokeGateState extends SmokeGateInputs {
  report: SmokeReport;
}

/**
 * Runs the functional suite.
 * @throws Error with a table of what failed; the update fails with it.
 */
export async function passGate(inputs: SmokeGateInputs): Promise<SmokeGateState> {
  const report = await runSmoke(inputs);
  const failed = report.checks.filter(({ passed }) => !passed);
  if (failed.length > 0) {
    throw new Error(
      `smoke gate: ${failed.length} of ${report.checks.length} checks failed; what was deployed does not work as declared\n${table(failed)}`,
    );
  }
  return { ...inputs, report: { ...report, checks: report.checks.map(steady) } };
}

/** The suite runs in an update that changed something of the estate, and in the one after a failed one. */
export function diffGate(olds: SmokeGateState, news: SmokeGateInputs): DiffResult {
  const keys = ["gatewayUrl", "certificate", "token", "servers", "workloads", "touched"] as const;
  return { changes: keys.some((key) => !isDeepStrictEqual(olds[key], news[key])) };
}

/** Without the milliseconds, which are no part of a state. */
function steady(check: SmokeCheck): SmokeCheck {
  return { ...check, detail: check.detail.replace(/ in \d+ ms$/, "") };
}

function table(checks: readonly SmokeCheck[]): string {
  const rows = [{ check: "check", subject: "subject", detail: "found" }, ...checks];
  const width = (key: "check" | "subject") => Math.max(...rows.map((row) => row[key].length));
  return rows
    .map((row) => `  ${row.check.padEnd(width("check"))}  ${row.subject.padEnd(width("subject"))}  ${row.detail}`)
    .join("\n");
}

export const provider: ResourceProvider<SmokeGateInputs, SmokeGateState> = {
  create: async (inputs) => ({ id: "smoke-gate", outs: await passGate(inputs) }),
  diff: (_id, olds, news) => Promise.resolve(diffGate(olds, news)),
  update: async (_id, _olds, news) => ({ outs: await passGate(news) }),
};
