import { spawn } from "node:child_process";
import type { OperationContext } from "../resourceType.ts";
import type { ValueMap } from "../values.ts";

export interface CommandOutput {
  stdout: string;
  stderr: string;
}

const DEFAULT_INTERPRETER = ["/bin/sh", "-c"];

/**
 * Runs `command` with the interpreter, folder, environment and stdin of `inputs`. Its lines are shown while it runs, as
 * `logging` says; it is killed with its children when the deployment is cancelled.
 *
 * @param previous outputs of the last run, for PULUMI_COMMAND_STDOUT and PULUMI_COMMAND_STDERR; absent at the first.
 * @throws Error with the exit code and what was written to stderr. The command itself is not repeated: it may hold secrets.
 */
export async function execute(
  command: string,
  inputs: ValueMap,
  previous: CommandOutput | undefined,
  context: OperationContext,
): Promise<CommandOutput> {
  const interpreter =
    Array.isArray(inputs["interpreter"]) && inputs["interpreter"].length > 0
      ? inputs["interpreter"].map(String)
      : DEFAULT_INTERPRETER;
  const [program, ...args] = [...interpreter, command];
  const child = spawn(program, args, {
    cwd: typeof inputs["dir"] === "string" ? inputs["dir"] : undefined,
    env: environmentOf(inputs, previous),
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
  });
  const stop = () => child.pid !== undefined && process.kill(-child.pid, "SIGTERM");
  context.cancelled.addEventListener("abort", stop, { once: true });
  // A command that does not read its stdin ends the pipe early; that is its right.
  child.stdin.on("error", () => undefined);
  child.stdin.end(typeof inputs["stdin"] === "string" ? inputs["stdin"] : "");
  const logging = inputs["logging"] ?? "stdoutAndStderr";
  const stdout = gather(child.stdout, logging === "stdout" || logging === "stdoutAndStderr" ? context : undefined);
  const stderr = gather(child.stderr, logging === "stderr" || logging === "stdoutAndStderr" ? context : undefined);
  try {
    const end = await ended(child, program);
    const output = { stdout: stdout(), stderr: stderr() };
    if (end !== "") throw new Error(`command ${end}${output.stderr === "" ? "" : `: ${output.stderr}`}`);
    return output;
  } finally {
    context.cancelled.removeEventListener("abort", stop);
  }
}

function environmentOf(inputs: ValueMap, previous: CommandOutput | undefined): NodeJS.ProcessEnv {
  const own = (inputs["environment"] ?? {}) as Record<string, string>;
  const earlier =
    previous === undefined || inputs["addPreviousOutputInEnv"] === false
      ? {}
      : { PULUMI_COMMAND_STDOUT: previous.stdout, PULUMI_COMMAND_STDERR: previous.stderr };
  return { ...process.env, ...earlier, ...own };
}

function ended(child: ReturnType<typeof spawn>, program: string): Promise<string> {
  return new Promise((resolve, reject) => {
    child.on("error", (error: NodeJS.ErrnoException) =>
      reject(new Error(`command could not be started with ${program}: ${error.message}`)),
    );
    child.on("close", (code, signal) =>
      resolve(code === 0 ? "" : signal === null ? `failed with exit code ${code}` : `was ended by signal ${signal}`),
    );
  });
}

/** Collects a stream, showing each whole line at once where `context` is given; the answer has no newline at its end. */
export function gather(stream: NodeJS.ReadableStream, context: OperationContext | undefined): () => string {
  let text = "";
  let shownTo = 0;
  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => {
    text += chunk;
    for (let end = text.indexOf("\n", shownTo); end >= 0; end = text.indexOf("\n", shownTo)) {
      context?.log("info", text.slice(shownTo, end));
      shownTo = end + 1;
    }
  });
  stream.on("end", () => {
    if (shownTo < text.length) context?.log("info", text.slice(shownTo));
  });
  return () => text.replace(/\r?\n$/, "");
}
