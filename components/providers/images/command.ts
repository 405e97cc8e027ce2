import { spawn } from "node:child_process";

/** Characters of a failed command's output that its error repeats: the end, where the reason stands. */
const OUTPUT_TAIL = 2000;

export interface CommandOptions {
  cwd?: string;
  /** Added to this process's environment. */
  env?: Record<string, string>;
}

/**
 * Runs a program without a shell; answers what it wrote to stdout.
 * @throws Error with the end of its output when it fails; with `code: "ENOENT"` when there is no such program.
 */
export function run(program: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      output = (output + text).slice(-OUTPUT_TAIL);
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      output = (output + text).slice(-OUTPUT_TAIL);
    });
    child.once("error", reject);
    child.once("close", (code, signal) => {
      if (code === 0) resolve(stdout);
      else
        reject(new Error(`${program} ${args[0] ?? ""} ended with ${signal ?? `exit code ${code}`}:\n${output.trim()}`));
    });
  });
}

/** True when the error says that the program is not installed. */
export function isMissingProgram(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ENOENT";
}
