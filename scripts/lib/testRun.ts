import { spawn } from "node:child_process";
import { join } from "node:path";
import type { Environment } from "./exec.ts";
import { projectDir } from "./paths.ts";
import type { MochaEvent } from "./mochaWorker.ts";

export interface MochaOptions {
  files: string[];
  grep: string | undefined;
  env: Environment;
  cwd: string;
}

/** What one mocha process has told. */
export interface TestResult {
  files: string[];
  passed: number;
  failed: number;
  pending: number;
  /** Why this process counts as failed although no test says so: it broke off, or its exit code was not 0. */
  broken: string | undefined;
}

/** Runs test files in one mocha process of this Node; its progress goes to this process's stdout. */
export function runMocha({ files, grep, env, cwd }: MochaOptions): Promise<TestResult> {
  const result: TestResult = { files, passed: 0, failed: 0, pending: 0, broken: undefined };
  const worker = join(projectDir, "scripts", "lib", "mochaWorker.ts");
  const child = spawn(process.execPath, [worker, JSON.stringify({ files, grep })], {
    cwd,
    env,
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  let ended = false;
  child.on("message", (event: MochaEvent) => {
    if (event.type === "end") ended = true;
    else result[event.type]++;
  });
  return new Promise((resolve) => {
    child.on("error", (error) => {
      resolve({ ...result, broken: error.message });
    });
    child.on("close", (code, signal) => {
      if (!ended) result.broken = `mocha broke off (${signal ?? `exit code ${String(code)}`})`;
      else if (code !== 0 && result.failed === 0)
        result.broken = `mocha ended with ${signal ?? `exit code ${String(code)}`}`;
      resolve(result);
    });
  });
}

/** Sums up; a broken process is one failure more, and so is a run in which no test ran at all. */
export function totals(results: readonly TestResult[]): {
  passed: number;
  failed: number;
  pending: number;
  lines: string[];
} {
  const sum = (key: "passed" | "failed" | "pending"): number =>
    results.reduce((total, result) => total + result[key], 0);
  const lines = results.flatMap(({ broken, files }) =>
    broken === undefined ? [] : [`${broken}: ${files.join(", ")}`],
  );
  const passed = sum("passed");
  const failed = sum("failed");
  if (passed + failed === 0 && lines.length === 0) lines.push("no test ran");
  return { passed, failed: failed + lines.length, pending: sum("pending"), lines };
}
