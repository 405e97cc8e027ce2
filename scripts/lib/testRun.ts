import { spawn } from "node:child_process";
import { join } from "node:path";
import type { Environment } from "./exec.ts";
import { duration, type Say } from "./log.ts";
import { projectDir } from "./paths.ts";
import type { MochaEvent } from "./mochaWorker.ts";

export interface MochaOptions {
  files: string[];
  grep: string | undefined;
  env: Environment;
  cwd: string;
  /** Gets the output in one piece when all is over, in place of this process's stdout while it goes on. */
  atOnce?: (output: string) => void;
}

/** What one mocha process has told. */
export interface TestResult {
  files: string[];
  passed: number;
  failed: number;
  pending: number;
  /** A line for each that failed: a long run's own words have scrolled away. */
  failures: string[];
  /** Why this process counts as failed although no test says so: it broke off, or its exit code was not 0. */
  broken: string | undefined;
}

/** Runs test files in one mocha process of this Node; its progress goes to this process's stdout. */
export function runMocha({ files, grep, env, cwd, atOnce }: MochaOptions): Promise<TestResult> {
  const result: TestResult = { files, passed: 0, failed: 0, pending: 0, failures: [], broken: undefined };
  const worker = join(projectDir, "scripts", "lib", "mochaWorker.ts");
  const child = spawn(process.execPath, [worker, JSON.stringify({ files, grep })], {
    cwd,
    env,
    stdio: [
      "ignore",
      ...(atOnce ? ["pipe" as const, "pipe" as const] : ["inherit" as const, "inherit" as const]),
      "ipc",
    ],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => (output += text));
  }
  let ended = false;
  child.on("message", (event: MochaEvent) => {
    if (event.type === "end") {
      ended = true;
      return;
    }
    result[event.type]++;
    if (event.type === "failed") result.failures.push(`failed: ${event.title}: ${event.why}`);
  });
  return new Promise((resolve) => {
    child.on("error", (error) => {
      resolve({ ...result, broken: error.message });
    });
    child.on("close", (code, signal) => {
      atOnce?.(output);
      if (!ended) result.broken = `mocha broke off (${signal ?? `exit code ${String(code)}`})`;
      else if (code !== 0 && result.failed === 0)
        result.broken = `mocha ended with ${signal ?? `exit code ${String(code)}`}`;
      resolve(result);
    });
  });
}

/**
 * Runs files in a process each, some at a time, the first ones first. What a file says comes in one piece at its end, so
 * that no two speak at once.
 * @returns results in the order of the files.
 */
export async function runSideBySide(
  files: readonly string[],
  lanes: number,
  options: Omit<MochaOptions, "files" | "atOnce">,
  say: Say,
): Promise<TestResult[]> {
  const results: TestResult[] = [];
  const waiting = files.entries();
  const lane = async (): Promise<void> => {
    for (const [index, file] of waiting) {
      const started = Date.now();
      say(`${file} begins`);
      results[index] = await runMocha({ ...options, files: [file], atOnce: (output) => process.stdout.write(output) });
      say(`${file} took ${duration(Date.now() - started)}`);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return results;
}

/** Sums up, with a line for each failure; a broken process is one failure more, and so is a run in which no test ran at all. */
export function totals(results: readonly TestResult[]): {
  passed: number;
  failed: number;
  pending: number;
  lines: string[];
} {
  const sum = (key: "passed" | "failed" | "pending"): number =>
    results.reduce((total, result) => total + result[key], 0);
  const broken = results.flatMap(({ broken, files }) =>
    broken === undefined ? [] : [`${broken}: ${files.join(", ")}`],
  );
  const passed = sum("passed");
  const failed = sum("failed");
  if (passed + failed === 0 && broken.length === 0) broken.push("no test ran");
  const lines = [...results.flatMap(({ failures }) => failures), ...broken];
  return { passed, failed: failed + broken.length, pending: sum("pending"), lines };
}
