/**
 * `npm run hosts -- up --stack NAME`: launches the machines that the stack's settings name (mcp-estate:hosts) or takes those that are
 * there, makes a swarm of them, and says what they cost. Those that it launches and that do not become nodes are given back, unless `--keep`. `preview` shows what it would
 * do and what that costs, `refresh` looks at what is there, `reach` notes on this computer how they are reached and changes nothing,
 * `down` gives all of them back and fails when anything is left that is billed.
 * A machine with data of the estate stays, unless `--volumes`. Further arguments go to the engine.
 */
import { parseArgs } from "./lib/args.ts";
import { capture, runAttached } from "./lib/exec.ts";
import { giveBackUnfinished } from "./lib/hosts/giveBack.ts";
import { leavingMachines, machinesOf, type HostsEngine } from "./lib/hosts/machines.ts";
import { refuseDeployed, refuseHeldVolumes } from "./lib/hosts/refusals.ts";
import { removeProgram, writeProgram } from "./lib/hosts/program.ts";
import { sayer, table } from "./lib/log.ts";
import { main } from "./lib/main.ts";
import { projectDir } from "./lib/paths.ts";
import { prepareEngine } from "./lib/prepare.ts";
import { projectName } from "./lib/projectName.ts";
import { requireStackFile, setting } from "./lib/stackFile.ts";
import { forgetHosts, hostsOutputsSchema, keepHosts, useHostsSsh, type HostsOutputs } from "./lib/stackHosts.ts";
import { UserError } from "./lib/userError.ts";

const VERBS = ["up", "preview", "refresh", "reach", "down"] as const;
type Verb = (typeof VERBS)[number];

await main(async () => {
  const { stack, flags, rest } = parseArgs(process.argv.slice(2), ["yes", "volumes", "keep"]);
  const [verb = "", ...more] = rest;
  if (!isVerb(verb)) throw new UserError(`"${verb}" given; allowed are ${VERBS.join(", ")}`);
  const name = projectName(projectDir);
  const hosts = setting(requireStackFile(projectDir, stack), `${name}:hosts`);
  if (hosts === undefined) {
    throw new UserError(`stack "${stack}" names no machines: give ${name}:hosts, as docs/lambda.md shows`);
  }
  // Of the machines' own project, whatever project of the estate's the name says.
  const short = stack.split("/").at(-1) ?? stack;
  const folder = writeProgram(short, hosts);
  const { engine, env } = await prepareEngine({ stack });
  const select = ["stack", "select", short, "--create", "--non-interactive"];
  const selected = await capture(engine.file, select, { cwd: folder, env });
  if (selected.code !== 0) throw new UserError(`the machines of stack "${stack}": ${selected.stderr.trim()}`);

  const machines: HostsEngine = { file: engine.file, env, folder, stack: short };
  if (verb === "reach") return show(machines, name);
  const before = verb === "up" || verb === "down" ? await machinesOf(machines) : [];
  if (verb === "down") await refuseDeployed({ ...machines, folder: projectDir, stack });
  if (before.length > 0) {
    useHostsSsh(stack);
    const leaving = verb === "down" ? new Set(before.map((machine) => machine.name)) : await leavingMachines(machines);
    // Whatever its preview complains about, the update would as well.
    if (leaving === undefined) return (await runEngine(machines, "preview", [], more)) || 1;
    if (!flags.has("volumes")) {
      await refuseHeldVolumes(
        stack,
        before.filter((machine) => leaving.has(machine.name)),
      );
    }
  }

  const unasked = flags.has("yes") || !process.stdin.isTTY ? ["--yes", "--skip-preview"] : [];
  const code = await runEngine(machines, verb, unasked, more);
  if (code === 0 && verb === "down") {
    forgetHosts(stack);
    removeProgram(short);
  }
  if (code !== 0 && verb === "up" && !flags.has("keep")) {
    await giveBackUnfinished(machines, new Set(before.map(({ id }) => id)), sayer("hosts"));
  }
  return code !== 0 || verb !== "up" ? code : show(machines, name);
});

/** Notes how the machines are reached, and shows them. */
async function show(machines: HostsEngine, namespace: string): Promise<number> {
  const outputs = await readOutputs(machines);
  keepHosts(machines.stack, outputs);
  const goOn = howToGoOn(machines.stack, namespace, outputs.hourlyPrice > 0);
  process.stdout.write(`\n${machinesTable(outputs)}\n\n${goOn}\n`);
  return 0;
}

function isVerb(text: string): text is Verb {
  return (VERBS as readonly string[]).includes(text);
}

function runEngine(
  { file, folder, stack, env }: HostsEngine,
  verb: Exclude<Verb, "reach">,
  unasked: readonly string[],
  more: readonly string[],
): Promise<number> {
  const args = {
    up: ["up", "--suppress-outputs", ...unasked],
    preview: ["preview"],
    refresh: ["refresh", "--suppress-outputs", ...unasked],
    down: ["destroy", "--suppress-outputs", ...unasked],
  }[verb];
  return runAttached(file, [...args, "--stack", stack, ...more], { cwd: folder, env });
}

async function readOutputs({ file, folder: cwd, stack, env }: HostsEngine): Promise<HostsOutputs> {
  const args = ["stack", "output", "--json", "--show-secrets", "--stack", stack];
  const { code, stdout, stderr } = await capture(file, args, { cwd, env });
  if (code !== 0) throw new UserError(`the outputs of the machines cannot be read: ${stderr.trim()}`);
  const outputs = hostsOutputsSchema.safeParse(JSON.parse(stdout));
  if (outputs.success) return outputs.data;
  throw new UserError(`stack "${stack}" has no machines yet: npm run hosts -- up --stack ${stack} launches them`);
}

function machinesTable({ machines, hourlyPrice }: HostsOutputs): string {
  const rows = Object.entries(machines).map(([name, { ip, type, region, pricePerHour }]) => [
    ...[name, ip, type, region, `$${pricePerHour.toFixed(2)}`],
  ]);
  return table(
    ["HOST", "ADDRESS", "TYPE", "REGION", "AN HOUR"],
    [...rows, ["in all", "", "", "", `$${hourlyPrice.toFixed(2)}`]],
  );
}

function howToGoOn(stack: string, namespace: string, areBilled: boolean): string {
  return [
    `With "${namespace}:target: swarm" they are the nodes of the estate: npm run up -- --stack ${stack}.`,
    ...(areBilled ? [`They are billed until "npm run hosts -- down --stack ${stack}".`] : []),
  ].join("\n");
}
