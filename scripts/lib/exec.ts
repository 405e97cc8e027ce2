import { spawn } from "node:child_process";
import { constants } from "node:os";
import { accessSync, constants as fsConstants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { codeOf } from "./userError.ts";

export type Environment = Record<string, string | undefined>;

export interface Captured {
  /** Exit code; 128 + signal number when killed; 127 when there is no such program. */
  code: number;
  stdout: string;
  stderr: string;
}

export interface CaptureOptions {
  cwd?: string;
  env?: Environment;
  timeoutMs?: number;
  /** What it reads from its standard input. @default nothing */
  input?: string;
  /** Receives each whole line of stderr as it comes. */
  onStderrLine?: (line: string) => void;
}

/** Runs a program and collects what it writes. Never throws for a program that fails: look at `code`. */
export function capture(file: string, args: readonly string[], options: CaptureOptions = {}): Promise<Captured> {
  return new Promise((resolve) => {
    const child = spawn(file, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      timeout: options.timeoutMs,
      stdio: ["pipe", "pipe", "pipe"],
    });
    // One that does not read has closed it before: its exit code says what there is to say.
    child.stdin.on("error", () => undefined);
    child.stdin.end(options.input ?? "");
    let stdout = "";
    let stderr = "";
    let unfinishedLine = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
      if (options.onStderrLine === undefined) return;
      const lines = (unfinishedLine + text).split("\n");
      unfinishedLine = lines.pop() ?? "";
      lines.forEach(options.onStderrLine);
    });
    child.on("error", (error) => {
      resolve({ code: codeOf(error) === "ENOENT" ? 127 : 126, stdout, stderr: stderr + error.message });
    });
    child.on("close", (code, signal) => {
      resolve({ code: exitCode(code, signal), stdout, stderr });
    });
  });
}

/**
 * Runs a program on this terminal and returns its exit code. Signals reach it: those of the keyboard come to it by themselves
 * (a second one would make the engine break off hard), any other is passed on.
 * @throws the system's error when it cannot be started.
 */
export function runAttached(
  file: string,
  args: readonly string[],
  options: { cwd?: string; env?: Environment } = {},
): Promise<number> {
  const child = spawn(file, args, { cwd: options.cwd, env: options.env ?? process.env, stdio: "inherit" });
  const forward = (signal: NodeJS.Signals): void => {
    const fromKeyboard = signal === "SIGINT" && process.stdin.isTTY;
    if (!fromKeyboard) child.kill(signal);
  };
  const signals: NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const signal of signals) process.on(signal, forward);
  return new Promise<number>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      resolve(exitCode(code, signal));
    });
  }).finally(() => {
    for (const signal of signals) process.off(signal, forward);
  });
}

/** First executable file of that name on the given PATH, or undefined. */
export function findOnPath(name: string, path = process.env["PATH"] ?? ""): string | undefined {
  return path
    .split(delimiter)
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, name))
    .find(isExecutableFile);
}

export function isExecutableFile(file: string): boolean {
  try {
    accessSync(file, fsConstants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

function exitCode(code: number | null, signal: NodeJS.Signals | null): number {
  return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
}
