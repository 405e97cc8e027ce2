import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { Gauge, Registry } from "prom-client";
import type { Drift, FoundOrphan } from "./drift.ts";
import type { Owner } from "./leftOvers.ts";
import { messageOf, UserError } from "./userError.ts";

/** What a look at the world has found; undefined when it could not be found out. */
export interface Look {
  drift: readonly Drift[];
  orphans: readonly FoundOrphan[];
}

/** Kinds of orphans, so that one that is not there is a 0 and no gap (components/providers/orphans.ts). */
const KINDS = ["container", "network", "volume", "image", "process", "script"];

/**
 * Drift and orphans in the text format of Prometheus. Names and properties are series of their own, of value 1.
 * @param found undefined: only that the look has failed.
 */
export async function driftMetrics(owner: Owner, found: Look | undefined, now = Date.now()): Promise<string> {
  const registry = new Registry();
  registry.setDefaultLabels(owner);
  const gauge = <L extends string>(name: string, help: string, labelNames: L[] = []) =>
    new Gauge({ name: `mcp_estate_${name}`, help, labelNames, registers: [registry] });
  gauge("drift_look_success", "1 when the last look at the world came to its end, else 0.").set(found ? 1 : 0);
  gauge("drift_look_timestamp_seconds", "When the last look at the world ended.").set(Math.round(now / 1000));
  if (found) {
    const properties = found.drift.filter(({ declared }) => !declared.startsWith("no, "));
    gauge("drifted_properties", "Properties that are not as they were deployed.").set(properties.length);
    const drifted = gauge("drifted_property", "A property that is not as it was deployed.", ["resource", "property"]);
    for (const { resource, property } of properties) drifted.set({ resource, property }, 1);
    const counts = gauge("orphans", "Objects that nobody declared, by kind.", ["kind"]);
    for (const kind of KINDS) counts.set({ kind }, found.orphans.filter((orphan) => orphan.kind === kind).length);
    const orphans = gauge("orphan", "An object that nobody declared, and what the next update does with it.", [
      "kind",
      "name",
      "action",
    ]);
    for (const { kind, name, action } of found.orphans) orphans.set({ kind, name, action }, 1);
  }
  return registry.metrics();
}

/**
 * Puts a text in the place of a file, whole: a collector that reads meanwhile sees the old one or the new.
 * @throws UserError when the file cannot be written, or has a name that node exporter does not read.
 */
export function writeTextfile(file: string, text: string): void {
  if (!file.endsWith(".prom")) {
    throw new UserError(
      `--metrics got "${file}"; node exporter's textfile collector reads *.prom, for example drift.prom`,
    );
  }
  const partial = `${file}.${process.pid}.partial`;
  try {
    // Readable by the exporter, whoever that runs as.
    const descriptor = openSync(partial, "w", 0o644);
    try {
      writeSync(descriptor, text);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(partial, file);
  } catch (error) {
    rmSync(partial, { force: true });
    throw new UserError(
      `--metrics: ${file} cannot be written: ${messageOf(error)}; give a file in a folder that exists`,
    );
  }
}
