import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync, readFileSync, readlinkSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "./seed.ts";
import { acts } from "./tampering.ts";
import { docker, type TestEstate } from "./testEstate.ts";
import { assertExact, declaredWorld, presentWorld, type World } from "./world.ts";

/** What dies: the engine alone, or all that the user's command started in the foreground. */
export type Victim = "engine" | "command";

export interface HostProcess {
  pid: number;
  command: string;
}

/** Processes of this host that work in the estate's folder: the engine, its plugins, the program, our commands. */
export function processesOf(estate: TestEstate): HostProcess[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const folder = readlinkSync(`/proc/${pid}/cwd`);
        if (folder !== estate.folder && !folder.startsWith(`${estate.folder}/`)) return [];
        const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
        return command === "" ? [] : [{ pid: Number(pid), command }];
      } catch {
        return []; // it has just ended
      }
    });
}

/** Most of an update's time passes between two lines of the engine's; how far past one of them it dies. */
const PAST_LINE_MS = 300;
/** An update that was over before its moment is made again with an earlier one. */
const TRIES = 5;

/**
 * Changes something, starts an update and ends the engine (or the whole command) with SIGKILL at a random moment of its
 * work: after a random line of its output, as lines do not depend on how busy the host is.
 * @param usualLines how many lines an update writes.
 * @param command one of the project's, with its arguments, that makes an update.
 * @returns what happened, in words.
 */
export async function killUpdate(
  estate: TestEstate,
  victim: Victim,
  usualLines: number,
  random: Random,
  change: () => Promise<unknown>,
  command: readonly string[] = ["up", "--yes"],
): Promise<string> {
  let latest = usualLines;
  for (let tries = 1; tries <= TRIES; tries++) {
    await change();
    const lines = 1 + Math.floor(random.next() * latest);
    const milliseconds = random.next() * PAST_LINE_MS;
    if (await killAt(estate, victim, lines, milliseconds, command)) {
      return `SIGKILL of the ${victim} ${milliseconds.toFixed(0)} ms after line ${lines}`;
    }
    latest = lines / 2;
  }
  throw new Error(`${TRIES} updates were all over before their moment`);
}

/** @returns whether the update was still going on. */
async function killAt(
  estate: TestEstate,
  victim: Victim,
  lines: number,
  milliseconds: number,
  [name = "", ...args]: readonly string[],
): Promise<boolean> {
  const child = estate.start(name, args, { detached: true });
  let output = "";
  const closed = once(child, "close");
  const reached = new Promise<void>((resolve) => {
    const take = (chunk: Buffer): void => {
      output += chunk.toString();
      if (output.split("\n").length > lines) resolve();
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
  });
  await Promise.race([reached, closed]);
  await sleep(milliseconds);
  const engine = processesOf(estate).find(({ command }) => /^\S*pulumi up /.test(command))?.pid;
  if (engine !== undefined) process.kill(victim === "engine" ? engine : -(child.pid ?? 0), "SIGKILL");
  const [code] = (await closed) as [number | null];
  if (engine === undefined) assert.equal(code, 0, output);
  return engine !== undefined;
}

/**
 * One killed update, and the next `npm run up` alone.
 * @throws AssertionError unless that ends in exactly what is declared, with every data volume, and no process left behind.
 * @returns what happened, in words.
 */
export async function killAndMend(
  estate: TestEstate,
  options: { victim: Victim; usualLines: number; random: Random; servers: Readonly<Record<string, unknown>> },
): Promise<string> {
  const { victim, usualLines, random, servers } = options;
  const volumes = await dataVolumes(estate);
  const words = await killUpdate(estate, victim, usualLines, random, async () => {
    await acts.changeEnvironment(estate, random);
    await acts.guest(estate, random);
  });
  const twins = await findTwins(estate);
  const { output } = await estate.succeed("up", ["--yes"]);
  assert.deepEqual(processesOf(estate), [], `nothing of the killed update runs on (${words})`);
  await assertExact(estate, Object.keys(servers), 1);
  assert.deepEqual(await dataVolumes(estate), volumes);
  await estate.pulumi("preview", "--expect-no-changes");
  return `${words}, ${inWords(twins)}${/lock taken away/.test(output) ? ", lock mended" : ""}`;
}

/** What is on the host and not in the state. */
async function findTwins(estate: TestEstate): Promise<World> {
  const [declared, present] = [declaredWorld(estate), await presentWorld(estate)];
  const only = (kind: keyof World) => present[kind].filter((id) => !declared[kind].includes(id));
  return { containers: only("containers"), networks: only("networks"), volumes: only("volumes") };
}

function inWords(twins: World): string {
  const counts = Object.entries(twins).flatMap(([kind, ids]: [string, string[]]) =>
    ids.length > 0 ? [`${ids.length} ${kind}`] : [],
  );
  return `twins: ${counts.join(", ") || "none"}`;
}

/** An object whose making is not written down yet. */
export type Unrecorded = "network" | "volume" | "container";
/** The engine may be faster than the event. */
const EVENT_TRIES = 5;

/**
 * Ends the engine with SIGKILL as soon as Docker says that it has made such an object, until one is in no state; then the
 * next `npm run up` alone. The state's attributes are left as by an engine that was killed while it wrote them.
 * @param add declares something new that takes one.
 * @throws AssertionError unless that ends in what is declared, and nothing else is there.
 */
export async function killUnrecorded(
  estate: TestEstate,
  type: Unrecorded,
  servers: Readonly<Record<string, unknown>>,
  add: (attempt: number) => void,
): Promise<string> {
  for (let attempt = 1; attempt <= EVENT_TRIES; attempt++) {
    add(attempt);
    await killAtCreation(estate, type);
    const twins = await findTwins(estate);
    cutAttributes(estate);
    await estate.succeed("up", ["--yes"]);
    await assertExact(estate, Object.keys(servers), 1);
    if (twins[`${type}s`].length > 0) return `${inWords(twins)} at attempt ${attempt}`;
  }
  throw new Error(`in ${EVENT_TRIES} attempts the engine had always written the ${type} down`);
}

/** The moment is too short to be met: a kill in it leaves an empty file. */
function cutAttributes(estate: TestEstate): void {
  const state = join(estate.folder, ".pulumi/stacks/mcp-estate", `${estate.stack}.json`);
  assert.ok(JSON.parse(readFileSync(`${state}.attrs`, "utf8")));
  truncateSync(`${state}.attrs`);
}

async function killAtCreation(estate: TestEstate, type: Unrecorded): Promise<void> {
  const filters = { type: [type], event: ["create"] };
  const events: NodeJS.ReadableStream & { destroy?: () => void } = await docker.getEvents({ filters });
  const child = estate.start("up", ["--yes"], { detached: true });
  const closed = once(child, "close");
  let output = "";
  let engine: number | undefined;
  const take = (chunk: Buffer): void => {
    output += chunk.toString();
    engine ??= processesOf(estate).find(({ command }) => /^\S*pulumi up /.test(command))?.pid;
  };
  child.stdout.on("data", take);
  child.stderr.on("data", take);
  let isKilled = false;
  events.on("data", (line: Buffer) => {
    if (isKilled || engine === undefined || !line.toString().includes(`mcp-estate-${estate.stack}-`)) return;
    process.kill(engine, "SIGKILL");
    isKilled = true;
  });
  await closed;
  events.destroy?.();
  assert.ok(isKilled, `no ${type} was made:\n${output}`);
}

async function dataVolumes(estate: TestEstate): Promise<string[]> {
  const volumes = await estate.volumes();
  return volumes.map(({ Name }) => Name).filter((name) => name.endsWith("-data"));
}
