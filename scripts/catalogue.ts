/**
 * `npm run catalogue -- list` shows what a stack can name. `npm run catalogue -- verify [NAME…]` builds servers, starts each
 * without any network under its limits, has it prove itself, measures, and writes docs/results/catalogue.md; without names all
 * of them. `npm run catalogue -- lock FOLDER npm:NAME@VERSION` (or pypi:NAME==VERSION) pins the packages of one. Exit code 0: all prove themselves or list as they must, within their limits, 2: the printed table says which does
 * not, or is vulnerable; 1: it could not be tried.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { catalogue, unavailable, type CatalogueEntry } from "../components/catalogue/index.ts";
import { Circumstances, writeResult } from "./bench/results.ts";
import { withDocker } from "./bench/withDocker.ts";
import { namesOnly, takeOption } from "./lib/args.ts";
import { askAudit, judge, SEVERITIES } from "./lib/catalogue/audit.ts";
import { lockPackages } from "./lib/catalogue/lock.ts";
import { cells, HEADERS, mergeReport, reportParts } from "./lib/catalogue/report.ts";
import { limitFaults, type Row } from "./lib/catalogue/row.ts";
import { billOfMaterials, lockedPackages } from "./lib/catalogue/sbom.ts";
import { verify } from "./lib/catalogue/verify.ts";
import { dockerClient } from "./lib/docker.ts";
import { ensureBaseImageTool } from "./lib/dockerInstall.ts";
import { consent } from "./lib/ask.ts";
import { duration, sayer, table } from "./lib/log.ts";
import { main } from "./lib/main.ts";
import { projectDir } from "./lib/paths.ts";
import { messageOf, UserError } from "./lib/userError.ts";

const FAILED = 2;
const say = sayer("catalogue");

await main(async () => {
  const [command = "list", ...rest] = process.argv.slice(2);
  if (command === "lock") return lock(rest);
  const to = takeOption(rest, "to") ?? "sbom";
  const from = takeOption(rest, "from") ?? "high";
  const names = namesOnly(rest, "--to DIR, --from SEVERITY and names of servers");
  const entries = names.length > 0 ? names.map(find) : [...catalogue.values()];
  switch (command) {
    case "list":
      return list();
    case "verify":
      return verifyAll(entries);
    case "sbom":
      return writeBills(entries, to);
    case "licences":
      return licences(entries);
    case "audit":
      return auditAll(entries, from);
    default:
      throw new UserError(`"${command}" given; allowed are list, verify, lock, sbom, licences and audit`);
  }
});

async function lock([folder, ...packages]: readonly string[]): Promise<number> {
  if (folder === undefined)
    throw new UserError("no folder given; lock FOLDER PACKAGE…, for example lock servers/mine npm:my-server@1.2.3");
  say(`wrote ${await lockPackages(folder, packages)}`);
  return 0;
}

function find(name: string): CatalogueEntry {
  const entry = catalogue.get(name);
  if (entry !== undefined) return entry;
  const reason = unavailable.get(name);
  if (reason !== undefined) throw new UserError(`"${name}" is not to be had: ${reason}`);
  throw new UserError(`there is no server "${name}" in the catalogue; known are ${[...catalogue.keys()].join(", ")}`);
}

function list(): number {
  const rows = [...catalogue.values()].map(
    ({ name, package: { name: source, version }, limitClass, sharing, needs, description }) => [
      ...[name, `${source} ${version}`, limitClass, sharing, Object.keys(needs ?? {}).join(", "), description],
    ],
  );
  process.stdout.write(`${table(["SERVER", "PACKAGE", "LIMITS", "SHARING", "NEEDS", "WHAT"], rows)}\n\n`);
  process.stdout.write(`${table(["NOT TO BE HAD", "WHY"], [...unavailable])}\n`);
  return 0;
}

function writeBills(entries: readonly CatalogueEntry[], folder: string): number {
  mkdirSync(folder, { recursive: true });
  for (const entry of entries)
    writeFileSync(join(folder, `${entry.name}.cdx.json`), billOfMaterials(entry, projectDir));
  say(`wrote ${entries.length} bills of materials to ${folder}`);
  return 0;
}

function licences(entries: readonly CatalogueEntry[]): number {
  const rows = entries.map((entry) => {
    const counts = new Map<string, number>();
    for (const { licence = "not in the lock file" } of lockedPackages(entry, projectDir))
      counts.set(licence, (counts.get(licence) ?? 0) + 1);
    const sorted = [...counts].sort(([, a], [, b]) => b - a).map(([licence, count]) => `${licence} ${count}`);
    return [entry.name, sorted.join(", ")];
  });
  process.stdout.write(`${table(["SERVER", "LICENCES OF ITS PACKAGES"], rows)}\n`);
  return 0;
}

async function auditAll(entries: readonly CatalogueEntry[], from: string): Promise<number> {
  const threshold = SEVERITIES.find((each) => each === from);
  if (threshold === undefined) throw new UserError(`--from ${from} given; allowed are ${SEVERITIES.join(", ")}`);
  const today = new Date().toISOString().slice(0, 10);
  const verdicts = [];
  for (const entry of entries) verdicts.push(judge(entry, await askAudit(entry, projectDir), threshold, today));
  const rows = verdicts.map(({ name, result, lines }) => [name, result, lines.join("; ")]);
  process.stdout.write(`${table(["SERVER", "RESULT", `FROM ${threshold.toUpperCase()} ON`], rows)}\n`);
  return verdicts.some(({ result }) => result === "vulnerable") ? FAILED : 0;
}

async function verifyAll(entries: readonly CatalogueEntry[]): Promise<number> {
  const circumstances = new Circumstances();
  const rows = await withDocker(async () => {
    await ensureBaseImageTool({ env: process.env, say, consent: consent(true) });
    const done: Row[] = [];
    for (const [index, entry] of entries.entries()) {
      say(`${entry.name} (${index + 1} of ${entries.length})`);
      done.push(await tried(entry));
    }
    return done;
  });
  process.stdout.write(`${table(HEADERS, rows.map(cells))}\n`);
  const built = rows.reduce((sum, { buildMs }) => sum + buildMs, 0);
  say(`${rows.filter(({ buildMs }) => buildMs > 0).length} images built in ${duration(built)}`);
  const report = mergeReport(projectDir, rows, new Set(catalogue.keys()));
  const parts = reportParts(report, catalogue.size, unavailable);
  await writeResult("catalogue", "npm run catalogue -- verify", circumstances, parts);
  const faults = [
    ...rows.filter(({ result }) => result === "failed").map(({ name, detail }) => `${name}: ${detail}`),
    ...rows.flatMap(limitFaults),
  ];
  for (const fault of faults) process.stdout.write(`✗ ${fault}\n`);
  return faults.length === 0 ? 0 : FAILED;
}

/** An image that cannot be built is a result as well. */
async function tried(entry: CatalogueEntry): Promise<Row> {
  if (entry.proofReaches !== undefined) return without(entry, "untried", `its proof asks ${entry.proofReaches}`);
  try {
    return await verify(dockerClient(), entry, say);
  } catch (error) {
    return without(entry, "failed", messageOf(error));
  }
}

function without({ name, package: source }: CatalogueEntry, result: Row["result"], detail: string): Row {
  return {
    ...{ name, package: `${source.name} ${source.version}`, result, detail },
    ...{ tools: 0, buildMs: 0, startMs: 0, idleMiB: 0, peakMiB: 0, memoryLimitMiB: 0, peakTasks: 0, pidsLimit: 0 },
  };
}
