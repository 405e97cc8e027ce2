/** What the end-to-end tests of the stand-ins share: the real engine, a real Docker, a small image, a project folder. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import Docker from "dockerode";
import tar from "tar-stream";
import { readFileSync } from "node:fs";
import { buildOfflinePlugins, offlineEngineEnvironment } from "../../offline/build.ts";
import type { RecordedResource } from "./golden.ts";

const run = promisify(execFile);
const ROOT = path.join(import.meta.dirname, "..", "..");

/** Busybox and links to it, imported once per Docker. */
export const IMAGE = "mcp-estate-offline-test:1";

/** Passphrase of the throw-away states; the tests look for their own secrets in clear, not for this. */
const PASSPHRASE = "offline-tests";

export const docker = new Docker();

export interface Outcome {
  code: number;
  /** stdout and stderr, in this order. */
  text: string;
  stdout: string;
}

/** Why the end-to-end tests cannot run here; `undefined` when they can. */
export async function missing(): Promise<string | undefined> {
  if ((await version(pulumi())) === undefined) return "no pulumi on PATH and none named by MCP_ESTATE_PULUMI";
  try {
    await docker.ping();
  } catch {
    return "no Docker answers";
  }
  return undefined;
}

function pulumi(): string {
  return process.env["MCP_ESTATE_PULUMI"] || "pulumi";
}

async function version(command: string): Promise<string | undefined> {
  return run(command, ["version"]).then(
    ({ stdout }) => stdout,
    () => undefined,
  );
}

/** A Pulumi project of its own in a temporary folder, with state in files. Nothing of it is left after `dispose`. */
export class Project {
  readonly folder: string;
  readonly #environment: Record<string, string>;

  private constructor(folder: string, environment: Record<string, string>) {
    this.folder = folder;
    this.#environment = environment;
  }

  /** Makes the project `name` with `program` as its index.ts and a stack `test`. */
  static async create(name: string, program: string): Promise<Project> {
    const folder = await mkdtemp(path.join(os.tmpdir(), `${name}-`));
    const { binDir } = await buildOfflinePlugins({
      cacheDir: path.join(os.tmpdir(), "mcp-estate-test-cache"),
      nodePath: process.execPath,
    });
    await symlink(path.join(ROOT, "node_modules"), path.join(folder, "node_modules"));
    await writeFile(path.join(folder, "package.json"), JSON.stringify({ type: "module" }));
    await writeFile(
      path.join(folder, "Pulumi.yaml"),
      `name: ${name}\nmain: index.ts\nruntime: { name: nodejs, options: { typescript: false } }\n`,
    );
    await writeFile(path.join(folder, "index.ts"), program);
    await mkdir(path.join(folder, "state"));
    const project = new Project(folder, {
      ...offlineEngineEnvironment(binDir),
      PATH: `${path.dirname(process.execPath)}:${process.env["PATH"] ?? ""}`,
      PULUMI_BACKEND_URL: `file://${path.join(folder, "state")}`,
      PULUMI_CONFIG_PASSPHRASE: PASSPHRASE,
    });
    await project.pulumi("stack", "init", "test");
    return project;
  }

  /** What the engine needs beside the environment of this process. */
  get environment(): Readonly<Record<string, string>> {
    return this.#environment;
  }

  /** Runs the engine here; a failure is an outcome, not an exception. */
  async pulumi(...args: string[]): Promise<Outcome> {
    const options = { cwd: this.folder, env: { ...process.env, ...this.#environment }, maxBuffer: 64 * 1024 * 1024 };
    return run(pulumi(), ["--non-interactive", ...args], options).then(
      ({ stdout, stderr }) => ({ code: 0, text: stdout + stderr, stdout }),
      (error: unknown) => {
        const {
          code,
          stdout = "",
          stderr = "",
          message,
        } = error as Error & { code?: number; stdout?: string; stderr?: string };
        return { code: typeof code === "number" ? code : 1, text: stdout + stderr || message, stdout };
      },
    );
  }

  /** Like {@link pulumi}, but a failure ends the test with what was printed. */
  async must(...args: string[]): Promise<string> {
    const { code, text } = await this.pulumi(...args);
    if (code !== 0) throw new Error(`pulumi ${args.join(" ")} ended with ${code}:\n${text}`);
    return text;
  }

  async writeProgram(program: string): Promise<void> {
    await writeFile(path.join(this.folder, "index.ts"), program);
  }

  /** The state as its file has it, ciphertexts as they are: an export asks the engine for the same, half a second later. */
  async resources(): Promise<(RecordedResource & { initErrors?: string[] })[]> {
    const [name] = path.basename(this.folder).split("-");
    const file = path.join(this.folder, "state", ".pulumi", "stacks", name, "test.json");
    const { checkpoint } = JSON.parse(await readFile(file, "utf8")) as {
      checkpoint: { latest: { resources?: RecordedResource[] } | null };
    };
    return checkpoint.latest?.resources ?? [];
  }

  async resource(name: string): Promise<RecordedResource & { initErrors?: string[] }> {
    const found = (await this.resources()).find(({ urn }) => urn.endsWith(`::${name}`));
    if (found === undefined) throw new Error(`no resource ${name} in the state`);
    return found;
  }

  /** Steps of a preview that are not "same": resource name → operation and its detailed diff. */
  async previewSteps(...args: string[]): Promise<Record<string, { op: string; detailed: string[] }>> {
    const { stdout, text, code } = await this.pulumi("preview", "--json", ...args);
    if (code !== 0) throw new Error(text);
    const { steps } = JSON.parse(stdout) as {
      steps: { op: string; urn: string; detailedDiff: Record<string, unknown> | null }[];
    };
    const changed = steps.filter(
      ({ op, urn }) => op !== "same" && op !== "refresh" && !urn.includes("pulumi:pulumi:Stack"),
    );
    return Object.fromEntries(
      changed.map(({ op, urn, detailedDiff }) => [
        urn.slice(urn.lastIndexOf("::") + 2),
        { op, detailed: Object.keys(detailedDiff ?? {}) },
      ]),
    );
  }

  /** Destroys what stands and removes the folder. */
  async dispose(): Promise<void> {
    await this.pulumi("destroy", "--yes", "--skip-preview");
    await rm(this.folder, { recursive: true, force: true });
  }
}

/**
 * Makes an image where it is missing, from a static busybox (Debian: busybox-static, installed when it may be).
 * @param scripts path → text of what else can be run in it.
 */
export async function ensureImage(
  on: Docker = docker,
  image = IMAGE,
  scripts: Readonly<Record<string, string>> = {},
): Promise<void> {
  const there = await on
    .getImage(image)
    .inspect()
    .catch(() => undefined);
  if (there !== undefined) return;
  const busybox = ["/usr/bin/busybox", "/bin/busybox"].find((file) => existsSync(file)) ?? (await installBusybox());
  const pack = tar.pack();
  pack.entry({ name: "bin/busybox", mode: 0o755 }, readFileSync(busybox));
  for (const applet of ["sh", "sleep", "true", "false", "cat", "echo", "env"])
    pack.entry({ name: `bin/${applet}`, type: "symlink", linkname: "busybox" });
  for (const folder of ["etc", "tmp", "data"]) pack.entry({ name: folder, type: "directory", mode: 0o777 });
  for (const [file, text] of Object.entries(scripts)) pack.entry({ name: file, mode: 0o755 }, text);
  pack.finalize();
  const [repo, tag] = image.split(":");
  const progress = await on.importImage(pack as unknown as NodeJS.ReadableStream, { repo, tag } as object);
  await new Promise<void>((resolve, reject) =>
    on.modem.followProgress(progress, (error: Error | null) => (error ? reject(error) : resolve())),
  );
}

async function installBusybox(): Promise<string> {
  await run("apt-get", ["install", "-y", "--no-install-recommends", "busybox-static"]);
  return existsSync("/usr/bin/busybox") ? "/usr/bin/busybox" : "/bin/busybox";
}
