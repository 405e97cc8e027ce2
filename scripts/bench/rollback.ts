/**
 * `npm run bench -- rollback`: four versions of five servers, and how long a rollback to each takes, the smoke gate
 * included. Writes docs/results/rollback.md; fails when one takes longer than promised.
 */
import { Repository } from "../../test/e2e/repository.ts";
import { TestEstate } from "../../test/e2e/testEstate.ts";
import { table } from "../lib/log.ts";
import { Circumstances, markdownTable, writeResult } from "./results.ts";
import { withDocker } from "./withDocker.ts";

const FIVE = ["everything", "fetch", "filesystem", "memory", "sequential-thinking"];
/** Seconds that a rollback of five servers may take. */
const GOAL = 60;

const servers = (names: readonly string[], settings: object = {}) =>
  Object.fromEntries(names.map((name) => [name, settings]));
const estate = new TestEstate("bench", { config: { "mcp-estate:servers": servers(FIVE) } });
const declare = (declared: object): void => estate.configure((config) => (config["mcp-estate:servers"] = declared));

/** What makes each version, from the one before. */
const VERSIONS: Readonly<Record<string, (repository: Repository) => void | Promise<void>>> = {
  "five servers": () => undefined,
  "other limits for each": () => declare(servers(FIVE, { limits: { memoryMiB: 384 } })),
  "another program in each image": (repository) => repository.changeProgram(),
  "a server less": () => declare(servers(FIVE.slice(1), { limits: { memoryMiB: 384 } })),
};
/** From the last version, by index: near and far, forward and back. */
const WAY = [0, 3, 1, 2, 0];

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

async function measure(): Promise<{ from: string; to: string; took: number }[]> {
  const repository = await Repository.of(estate);
  for (const change of Object.values(VERSIONS)) {
    await change(repository);
    await estate.succeed("up", ["--yes"]);
  }
  const names = Object.keys(VERSIONS);
  const rows = [];
  let from = names.length - 1;
  for (const to of WAY) {
    const images = (await estate.images()).length;
    const took = await seconds(() => estate.succeed("rollback", [String(to + 1)]));
    if ((await estate.images()).length !== images) throw new Error(`the rollback to ${names[to] ?? ""} built an image`);
    await estate.succeed("smoke");
    rows.push({ from: names[from] ?? "", to: names[to] ?? "", took });
    from = to;
  }
  return rows;
}

const circumstances = new Circumstances();
const rows = await withDocker(() => estate.during(measure));
const headers = ["FROM", "TO", "TOOK", "GOAL"];
const cells = rows.map(({ from, to, took }) => [from, to, `${took.toFixed(1)} s`, `${GOAL} s`]);
console.log(table(headers, cells));
await writeResult("rollback", "npm run bench -- rollback", circumstances, [
  "# Rollback of five servers",
  "`npm run rollback -- VERSION` from the command's start to its end, the smoke gate included: a new container for every " +
    "server that differs, its process limit, its first good answer. Nothing is built, and every check of `npm run smoke` passes after each.",
  markdownTable(headers, cells),
]);
process.exit(rows.every(({ took }) => took < GOAL) ? 0 : 1);
