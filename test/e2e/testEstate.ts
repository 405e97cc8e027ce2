import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify, stripVTControlCharacters } from "node:util";
import Docker from "dockerode";
import { stringify } from "yaml";
import { places, type TestStack } from "./places.ts";

const run = promisify(execFile);
const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const MAX_OUTPUT = 64 * 1024 * 1024;

export const docker = new Docker();

export interface CommandResult {
  code: number;
  /** stdout and stderr as they came. */
  output: string;
  stdout: string;
}

/** Another Docker than the machine's own, and how a command gets to where its ports are. */
export interface EstateHost {
  docker: Docker;
  env: Readonly<Record<string, string>>;
  enter(command: readonly string[]): string[];
}

/**
 * A copy of the project in a folder of its own, with a stack, state, ports and networks of its own, so that a user's
 * running estate is not touched. Everything it made is gone after `dispose`.
 */
export class TestEstate {
  readonly stack: string;
  readonly folder: string;
  readonly port: number;
  private config: Record<string, unknown>;
  private outputs: Record<string, unknown> | undefined;
  private readonly env: Record<string, string>;
  private readonly host: EstateHost;

  /** @param options.host Docker to deploy on. @default the machine's own */
  constructor(stack: TestStack, options: { config?: Record<string, unknown>; host?: EstateHost } = {}) {
    const { port, range } = places[stack];
    this.stack = stack;
    this.host = options.host ?? { docker, env: {}, enter: (command) => [...command] };
    this.port = port;
    this.folder = mkdtempSync(join(tmpdir(), `mcp-estate-${stack}-`));
    this.config = {
      "mcp-estate:target": "docker",
      "mcp-estate:network": { range },
      "mcp-estate:gateway": { port },
      // Tests run side by side, and some start servers on the host.
      "mcp-estate:orphans": { hostProcesses: "ignore" },
      ...options.config,
    };
    this.env = {
      XDG_CONFIG_HOME: join(this.folder, ".config"),
      XDG_DATA_HOME: join(this.folder, ".data"),
      PULUMI_HOME: join(this.folder, ".pulumi-home"),
    };
  }

  /** Copies what git would clone, with the installed packages linked. What an earlier run that was killed left goes. */
  async create(): Promise<void> {
    await this.purge();
    const { stdout } = await run("git", ["ls-files", "--cached", "--others", "--exclude-standard"], { cwd: root });
    for (const file of stdout.trim().split("\n")) {
      if (file.startsWith("test/") || file.startsWith("Pulumi.dev") || file.startsWith("Pulumi.prod")) continue;
      mkdirSync(dirname(join(this.folder, file)), { recursive: true });
      cpSync(join(root, file), join(this.folder, file));
    }
    symlinkSync(join(root, "node_modules"), join(this.folder, "node_modules"));
    symlinkSync(join(root, "runtime/node_modules"), join(this.folder, "runtime/node_modules"));
    this.writeConfig();
  }

  /** Changes the stack's settings; the next command sees them. */
  configure(change: (config: Record<string, unknown>) => void): void {
    change(this.config);
    this.writeConfig();
  }

  private writeConfig(): void {
    const file = join(this.folder, `Pulumi.${this.stack}.yaml`);
    let salt: string | undefined;
    try {
      salt = /^encryptionsalt: .*$/m.exec(readFileSync(file, "utf8"))?.[0];
    } catch {
      // The first one: the engine adds its salt later.
    }
    writeFileSync(file, `${salt ? `${salt}\n` : ""}${stringify({ config: this.config })}`);
  }

  /**
   * Starts one of the project's commands as a user would.
   * @param options detached: it heads a process group of its own; input: on its standard input.
   */
  start(
    name: string,
    args: readonly string[],
    options: { env?: Record<string, string>; detached?: boolean; input?: string | undefined } = {},
  ) {
    const [program = "", ...rest] = this.host.enter(["sh", "scripts/run", name, "--stack", this.stack, ...args]);
    const child = spawn(program, rest, {
      cwd: this.folder,
      env: { ...process.env, ...this.env, ...this.host.env, ...options.env },
      stdio: ["pipe", "pipe", "pipe"],
      detached: options.detached ?? false,
    });
    child.stdin.end(options.input ?? "");
    return child;
  }

  /** Runs one of the project's commands: `estate.command("up")` is `npm run up -- --stack …`. */
  command(
    name: string,
    args: readonly string[] = [],
    env: Record<string, string> = {},
    input?: string,
  ): Promise<CommandResult> {
    return new Promise((resolve, reject) => {
      const child = this.start(name, args, { env, input });
      let output = "";
      let stdout = "";
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        output += text;
        stdout += text;
      });
      child.stderr.setEncoding("utf8").on("data", (text: string) => (output += text));
      child.on("error", reject);
      child.on("close", (code) => {
        this.outputs = undefined;
        resolve({ code: code ?? -1, output, stdout });
      });
    });
  }

  /** Like `command`, and fails the test with the whole output unless the exit code is 0. */
  async succeed(
    name: string,
    args: readonly string[] = [],
    env: Record<string, string> = {},
    input?: string,
  ): Promise<CommandResult> {
    const result = await this.command(name, args, env, input);
    assert.equal(result.code, 0, `npm run ${name} -- ${args.join(" ")} ended with ${result.code}:\n${result.output}`);
    return result;
  }

  /** Runs the engine itself: `npm run pulumi -- …`. */
  async pulumi(...args: string[]): Promise<CommandResult> {
    return this.succeed("pulumi", args);
  }

  /** Value of a stack output, secrets in clear. */
  async output<T>(name: string): Promise<T> {
    const { stdout } = await this.pulumi("stack", "output", "--json", "--show-secrets");
    return (JSON.parse(stdout) as Record<string, T>)[name];
  }

  private async allOutputs(): Promise<Record<string, unknown>> {
    if (!this.outputs) {
      const { stdout } = await this.pulumi("stack", "output", "--json", "--show-secrets");
      this.outputs = JSON.parse(stdout) as Record<string, unknown>;
    }
    return this.outputs;
  }

  token(): Promise<string> {
    return this.allOutputs().then((outputs) => outputs["gatewayToken"] as string);
  }

  /** A call of the gateway with its token; the body as JSON. */
  async request(path: string, init: RequestInit = {}): Promise<{ status: number; body: unknown }> {
    const headers = { authorization: `Bearer ${await this.token()}`, "content-type": "application/json" };
    try {
      const response = await fetch(`http://127.0.0.1:${this.port}${path}`, { ...init, headers });
      return { status: response.status, body: await response.json() };
    } catch (error) {
      throw new Error(`${path} broke off; ${await this.lastWords("edge", "gateway")}`, { cause: error });
    }
  }

  /** State and newest log lines of components, for a failure that nobody can look at later. */
  async lastWords(...components: string[]): Promise<string> {
    const words = components.map(async (component) => {
      const found = await this.containers(component);
      const each = found.map(async ({ Id, Status }) => {
        const log = await this.host.docker
          .getContainer(Id)
          .logs({ stdout: true, stderr: true, timestamps: true, tail: 15 });
        return `${component}, ${Status}:\n${stripVTControlCharacters(log.toString())}`;
      });
      return Promise.all(each);
    });
    return `at ${new Date().toISOString()}\n${(await Promise.all(words)).flat().join("\n")}`;
  }

  execute(server: string, tool: string, args: Record<string, unknown>): Promise<{ status: number; body: unknown }> {
    return this.request("/execute", { method: "POST", body: JSON.stringify({ server, tool, arguments: args }) });
  }

  async servers(): Promise<
    Array<{ name: string; state: string; tools: string[]; transport: string; version: string }>
  > {
    const { body } = await this.request("/servers");
    return (
      body as { servers: Array<{ name: string; state: string; tools: string[]; transport: string; version: string }> }
    ).servers;
  }

  /** Containers of this stack, running or not. */
  containers(component?: string): Promise<Docker.ContainerInfo[]> {
    return this.host.docker.listContainers({ all: true, filters: { label: this.labels(component) } });
  }

  /** The one container of a component. */
  async container(component: string): Promise<Docker.Container> {
    const found = await this.containers(component);
    assert.equal(found.length, 1, `containers of ${component}: ${found.map((each) => each.Names.join()).join(", ")}`);
    return this.host.docker.getContainer(found[0]?.Id ?? "");
  }

  networks(): Promise<Docker.NetworkInspectInfo[]> {
    return this.host.docker.listNetworks({ filters: { label: this.labels() } });
  }

  async volumes(): Promise<Docker.VolumeInspectInfo[]> {
    return (await this.host.docker.listVolumes({ filters: { label: this.labels() } })).Volumes;
  }

  images(): Promise<Docker.ImageInfo[]> {
    return this.host.docker.listImages({ filters: { label: this.labels() } });
  }

  /** Runs a command in a container. */
  async exec(component: string, command: string[], user = ""): Promise<{ code: number; output: string }> {
    const container = await this.container(component);
    const args = ["exec", ...(user ? ["--user", user] : []), container.id, ...command];
    try {
      const { stdout, stderr } = await run("docker", args, {
        maxBuffer: MAX_OUTPUT,
        env: { ...process.env, ...this.host.env },
      });
      return { code: 0, output: stdout + stderr };
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { code, output: stdout + stderr };
    }
  }

  /** Everything in the state folder, as text. */
  async stateText(): Promise<string> {
    const { stdout } = await run("cat", await this.stateFiles(), { maxBuffer: MAX_OUTPUT });
    return stdout;
  }

  /** Everything in the estate's folder that was not there as a package, the user's folders included, as text. */
  async textOfFiles(): Promise<string> {
    const find = [
      this.folder,
      "-type",
      "f",
      "-not",
      "-path",
      "*/node_modules/*",
      "-not",
      "-path",
      "*/.pulumi-home/plugins/*",
    ];
    const { stdout } = await run("find", find, { maxBuffer: MAX_OUTPUT });
    return stdout
      .trim()
      .split("\n")
      .map((file) => readFileSync(file, "latin1"))
      .join("\n");
  }

  private async stateFiles(): Promise<string[]> {
    const { stdout } = await run("find", [join(this.folder, ".pulumi"), "-type", "f"]);
    return stdout.trim().split("\n");
  }

  private labels(component?: string): string[] {
    return [
      `mcp-estate.stack=${this.stack}`,
      "mcp-estate.estate=mcp-estate",
      ...(component ? [`mcp-estate.component=${component}`] : []),
    ];
  }

  /** Does `work` with the estate and leaves nothing of it behind; what failed first is what is thrown. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    let result: T;
    try {
      await this.create();
      result = await work();
    } catch (error) {
      await this.dispose().catch((late: unknown) => console.error("cleaning up failed as well:", late));
      throw error;
    }
    await this.dispose();
    return result;
  }

  /** Removes the stack with its volumes and images, and the folder. */
  async dispose(): Promise<void> {
    const down = await this.command("down", ["--yes", "--volumes", "--no-backup", "--images"]);
    // A test may have broken the stack; nothing of it must stay.
    await this.discard();
    assert.equal(down.code, 0, down.output);
  }

  /** Removes the folder and what is left of the stack: of one that its test has taken down. */
  async discard(): Promise<void> {
    await this.purge();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Removes what carries this stack's mark. */
  private async purge(): Promise<void> {
    const { docker } = this.host;
    for (const { Id } of await this.containers()) await docker.getContainer(Id).remove({ force: true, v: true });
    for (const { Id } of await this.networks()) await docker.getNetwork(Id).remove();
    for (const { Name } of await this.volumes()) await docker.getVolume(Name).remove();
  }
}

/** Runs `check` until it stops throwing. */
export async function eventually<T>(check: () => Promise<T>, timeoutMs: number): Promise<T> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}
