import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import type * as rpc from "@pulumi/pulumi/proto/language_pb.js";
import { readFileSync } from "node:fs";
import path from "node:path";
import { pulumiModule } from "./packages.ts";

/** How a program ended: `bail` when it has already told the user what is wrong, else `error` (empty when all is well). */
export interface RunOutcome {
  bail: boolean;
  error: string;
}

/** Exit code of `cmd/run` for "failed, and the error is printed already" (its source, `index.js`). */
const ALREADY_REPORTED = 32;

/**
 * Runs the user's program against the engine's resource monitor and waits for its end.
 *
 * @param engine address of the engine, for the program's log lines.
 */
export async function runProgram(request: rpc.RunRequest, engine: string): Promise<RunOutcome> {
  const info = request.getInfo();
  if (info === undefined) throw new Error("the engine sent no program information: it is older than 3.100");
  const config: Record<string, string> = {};
  request.getConfigMap().forEach((value, key) => (config[key] = value));
  const program = pulumiModule("cmd/run", info.getProgramDirectory());
  const child = spawn(process.execPath, [...preload(), program, ...programArguments(request, info, engine)], {
    cwd: request.getPwd() || info.getProgramDirectory(),
    env: {
      ...process.env,
      PULUMI_CONFIG: JSON.stringify(config),
      PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(request.getConfigsecretkeysList()),
      PULUMI_NODEJS_TYPESCRIPT: info.getOptions()?.toJavaScript()["typescript"] === false ? "false" : "true",
    },
    // The host's own stdout carries the port and nothing else; the engine shows what comes on stderr.
    stdio: ["ignore", 2, 2],
  });
  return outcomeOf(await ended(child));
}

/**
 * Node's arguments that load lazyModules.ts first, and lightSdk.ts unless the user wants to see what it leaves out; both
 * lie beside the host's own bundle.
 */
function preload(): string[] {
  const folder = path.dirname(process.argv[1] ?? "");
  const modules = engineDebugs() ? ["lazyModules"] : ["lazyModules", "lightSdk"];
  return modules.flatMap((name) => ["--require", path.join(folder, `${name}.cjs`)]);
}

/** The engine tells nobody that it was given `--debug`; its command line does. Where that cannot be read: yes. */
function engineDebugs(): boolean {
  try {
    const words = readFileSync(`/proc/${process.ppid}/cmdline`, "utf8").split("\0");
    return words.some((word) => /^(--debug(=true)?|-\w*d\w*)$/.test(word));
  } catch {
    return true;
  }
}

function programArguments(request: rpc.RunRequest, info: rpc.ProgramInfo, engine: string): string[] {
  return [
    ...["--monitor", request.getMonitorAddress()],
    ...["--engine", engine],
    ...["--organization", request.getOrganization()],
    ...["--project", request.getProject()],
    ...["--root-directory", info.getRootDirectory()],
    ...["--stack", request.getStack()],
    ...["--pwd", request.getPwd() || info.getProgramDirectory()],
    ...(request.getDryrun() ? ["--dry-run"] : []),
    ...["--parallel", String(request.getParallel())],
    info.getEntryPoint(),
    ...request.getArgsList(),
  ];
}

function ended(child: ChildProcess): Promise<{ code: number | null; signal: string | null }> {
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code, signal) => resolve({ code, signal }));
  });
}

function outcomeOf({ code, signal }: { code: number | null; signal: string | null }): RunOutcome {
  if (code === 0) return { bail: false, error: "" };
  if (code === ALREADY_REPORTED) return { bail: true, error: "" };
  const how = signal === null ? `with exit code ${code}` : `by signal ${signal}`;
  return { bail: false, error: `the program ended ${how}` };
}
