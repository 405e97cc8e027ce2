/**
 * `npm run hosts -- up --stack NAME`: launches the machines that the stack's settings name (mcp-estate:hosts), makes a swarm of them, and
 * says what they cost and how the estate gets there. `preview` shows what it would do and what that costs, `refresh` looks at what is
 * there, `down` gives all of them back and fails when anything is left that is billed. Further arguments go to the engine.
 */
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { z } from "zod";
import { parseArgs } from "./lib/args.ts";
import { capture, runAttached, type Environment } from "./lib/exec.ts";
import { table } from "./lib/log.ts";
import { main } from "./lib/main.ts";
import { cacheDir, configDir, projectDir } from "./lib/paths.ts";
import { prepareEngine } from "./lib/prepare.ts";
import { projectName } from "./lib/projectName.ts";
import { requireStackFile, setting } from "./lib/stackFile.ts";
import { UserError } from "./lib/userError.ts";

const VERBS = ["up", "preview", "refresh", "down"] as const;

const outputsSchema = z.object({
  managerHost: z.string(),
  nodes: z.record(z.string(), z.object({ host: z.string() })),
  machines: z.record(
    z.string(),
    z.object({ ip: z.string(), type: z.string(), region: z.string(), pricePerHour: z.number() }),
  ),
  hourlyPrice: z.number(),
  knownHosts: z.string(),
  privateKey: z.string(),
});
type Outputs = z.infer<typeof outputsSchema>;

await main(async () => {
  const { stack, flags, rest } = parseArgs(process.argv.slice(2), ["yes"]);
  const [verb = "", ...more] = rest;
  if (!isVerb(verb)) throw new UserError(`"${verb}" given; allowed are ${VERBS.join(", ")}`);
  const name = projectName(projectDir);
  const hosts = setting(requireStackFile(projectDir, stack), `${name}:hosts`);
  if (hosts === undefined) {
    throw new UserError(`stack "${stack}" names no machines: give ${name}:hosts, as docs/lambda.md shows`);
  }
  const folder = programFolder();
  writeStackFile(join(folder, `Pulumi.${stack}.yaml`), { [`${name}:hosts`]: hosts });
  const { engine, env } = await prepareEngine({ stack });
  const select = ["stack", "select", stack, "--create", "--non-interactive"];
  const selected = await capture(engine.file, select, { cwd: folder, env });
  if (selected.code !== 0) throw new UserError(`the machines of stack "${stack}": ${selected.stderr.trim()}`);

  const unasked = flags.has("yes") || !process.stdin.isTTY ? ["--yes", "--skip-preview"] : [];
  const args = {
    up: ["up", "--suppress-outputs", ...unasked],
    preview: ["preview"],
    refresh: ["refresh", "--suppress-outputs", ...unasked],
    down: ["destroy", "--suppress-outputs", ...unasked],
  }[verb];
  const code = await runAttached(engine.file, [...args, "--stack", stack, ...more], { cwd: folder, env });
  if (code !== 0 || verb !== "up") return code;
  const outputs = await readOutputs(engine.file, stack, folder, env);
  const place = keep(stack, outputs);
  process.stdout.write(`\n${machinesTable(outputs)}\n\n${howToGoOn(stack, outputs, place)}\n`);
  return 0;
});

function isVerb(text: string): text is (typeof VERBS)[number] {
  return (VERBS as readonly string[]).includes(text);
}

/** A project of its own for the engine, beside the estate's: its program is the project's. */
function programFolder(): string {
  const folder = join(cacheDir(), "hosts", Buffer.from(projectDir).toString("base64url"));
  mkdirSync(folder, { recursive: true });
  const name = `${projectName(projectDir)}-hosts`;
  const runtime = "{ name: nodejs, options: { typescript: false } }";
  writeFileSync(join(folder, "Pulumi.yaml"), `name: ${name}\nmain: index.ts\nruntime: ${runtime}\n`);
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }\n');
  writeFileSync(join(folder, "index.ts"), 'export * from "./hosts.ts";\n');
  for (const part of ["hosts.ts", "components", "runtime", "node_modules"]) {
    const link = join(folder, part);
    if (!existsSync(link)) symlinkSync(join(projectDir, part), link);
  }
  return folder;
}

/** With the salt that the engine has put there. */
function writeStackFile(file: string, config: Record<string, unknown>): void {
  const before = existsSync(file) ? (parse(readFileSync(file, "utf8")) as Record<string, unknown> | null) : null;
  writeFileSync(file, stringify({ ...before, config }));
}

async function readOutputs(engine: string, stack: string, cwd: string, env: Environment): Promise<Outputs> {
  const args = ["stack", "output", "--json", "--show-secrets", "--stack", stack];
  const { code, stdout, stderr } = await capture(engine, args, { cwd, env });
  if (code !== 0) throw new UserError(`the outputs of the machines cannot be read: ${stderr.trim()}`);
  return outputsSchema.parse(JSON.parse(stdout));
}

/** What ssh needs to get there, readable by its owner alone. @returns the folder. */
function keep(stack: string, { knownHosts, privateKey, machines }: Outputs): string {
  const folder = join(configDir(), "hosts", stack);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, "key"), `${privateKey.trimEnd()}\n`, { mode: 0o600 });
  writeFileSync(join(folder, "known_hosts"), knownHosts);
  const config = [
    `Host ${Object.values(machines)
      .map(({ ip }) => ip)
      .join(" ")}`,
    `  IdentityFile ${join(folder, "key")}`,
    `  UserKnownHostsFile ${join(folder, "known_hosts")}`,
    "  StrictHostKeyChecking yes",
    "  IdentitiesOnly yes",
  ];
  writeFileSync(join(folder, "ssh_config"), `${config.join("\n")}\n`);
  return folder;
}

function machinesTable({ machines, hourlyPrice }: Outputs): string {
  const rows = Object.entries(machines).map(([name, { ip, type, region, pricePerHour }]) => [
    ...[name, ip, type, region, `$${pricePerHour.toFixed(2)}`],
  ]);
  return table(
    ["HOST", "ADDRESS", "TYPE", "REGION", "AN HOUR"],
    [...rows, ["in all", "", "", "", `$${hourlyPrice.toFixed(2)}`]],
  );
}

function howToGoOn(stack: string, { managerHost, nodes }: Outputs, place: string): string {
  const lines = Object.entries(nodes).map(
    ([name, { host }]) => `      ${name}: ${host === managerHost ? "{}" : `{ host: ${host} }`}`,
  );
  return [
    `ssh knows them with "Include ${join(place, "ssh_config")}" in ~/.ssh/config. In Pulumi.${stack}.yaml:`,
    "",
    "  mcp-estate:target: swarm",
    "  mcp-estate:swarm:",
    "    nodes:",
    ...lines,
    "",
    `then DOCKER_HOST=${managerHost} npm run up -- --stack ${stack}. They are billed until "npm run hosts -- down --stack ${stack}".`,
  ].join("\n");
}
