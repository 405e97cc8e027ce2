import { isDeepStrictEqual } from "node:util";
import type { CheckResult, DiffResult, ResourceProvider } from "@pulumi/pulumi/dynamic/index.js";
import { connect, isNotFound } from "./docker.ts";
import type { ServerSignature } from "../../runtime/contract/index.ts";
import { endHostProcess } from "./hostProcesses.ts";
import {
  findOrphans,
  isSecretsVolume,
  ORPHAN_KINDS,
  OURS,
  type Declared,
  type Orphan,
  type OrphanKind,
  type OrphanPolicy,
} from "./orphans.ts";
import { disableScript, journalOf } from "./startScripts.ts";

/** Inputs of the resource; `orphans` is declared empty, so that a diff names what will be removed. */
export interface OrphanSweepInputs {
  estate: string;
  stack: string;
  declared: Declared;
  policy: OrphanPolicy;
  servers: readonly ServerSignature[];
  /** What the next update removes, in words. */
  orphans: readonly string[];
  /** What goes because the policy has changed, for the preview that comes before it. */
  planned: readonly PlannedRemoval[];
}

/** `resource` is its kind and name. */
export interface PlannedRemoval {
  resource: string;
  reason: string;
}

export interface OrphanSweepState extends OrphanSweepInputs {
  /** What is only reported, in words that do not change while the object does not. */
  reported: readonly string[];
  /** How many of each kind are only reported. */
  counts: Record<OrphanKind, number>;
  /** All that was found, with what changes from look to look: memory in use. */
  found: readonly Orphan[];
}

/**
 * A look at the world knows the policy that was deployed. Where the program has another one, what it takes is looked for
 * here, so that the preview names it: all but what carries our mark, which does not depend on it.
 */
export async function checkOrphanSweep(
  olds: Partial<OrphanSweepInputs> | undefined,
  news: OrphanSweepInputs,
): Promise<CheckResult<OrphanSweepInputs>> {
  if (isDeepStrictEqual(olds?.policy, news.policy)) return { inputs: news };
  const declared = olds?.declared ?? { containers: [], networks: [], volumes: [], images: [] };
  const found = await findOrphans({ ...news, declared });
  const planned = found
    .filter(({ action, reason }) => action === "remove" && reason !== OURS)
    .map(({ kind, name, reason }) => ({ resource: `${kind} ${name}`, reason }));
  return { inputs: { ...news, planned } };
}

/**
 * Removes what the policy says and reports the rest.
 * @param previous objects that the engine knew before this update and may still be about to delete: not ours to touch.
 * @throws Error naming each object that could not be removed.
 */
export async function sweepOrphans(inputs: OrphanSweepInputs, previous?: Declared): Promise<OrphanSweepState> {
  const known = merge(inputs.declared, previous);
  const found = await findOrphans({ ...inputs, declared: known });
  const faults: string[] = [];
  for (const orphan of found.filter(({ action }) => action === "remove")) {
    try {
      await remove(orphan, inputs);
    } catch (error) {
      if (!isNotFound(error)) faults.push(`${orphan.kind} ${orphan.name}: ${(error as Error).message}`);
    }
  }
  if (faults.length > 0) throw new Error(`orphans that could not be removed:\n  ${faults.join("\n  ")}`);
  const rest = found.filter(({ action }) => action === "report");
  return { ...inputs, orphans: [], reported: rest.map(inWords), counts: countsOf(rest), found: rest };
}

/** What is there now and belongs to nobody. */
export async function observeOrphans(props: OrphanSweepState): Promise<OrphanSweepState> {
  const found = await findOrphans(props);
  const of = (action: Orphan["action"]) => found.filter((orphan) => orphan.action === action);
  const reported = of("report");
  return {
    ...props,
    orphans: of("remove").map(inWords),
    reported: reported.map(inWords),
    counts: countsOf(reported),
    found,
  };
}

/** What is planned is no difference of its own: it goes with the policy. */
export function diffOrphans(olds: OrphanSweepState, news: OrphanSweepInputs): DiffResult {
  const keys = ["declared", "policy", "servers", "orphans"] as const;
  return { changes: keys.some((key) => !isDeepStrictEqual(olds[key], news[key])) };
}

function countsOf(orphans: readonly Orphan[]): Record<OrphanKind, number> {
  const count = (kind: OrphanKind) => orphans.filter((orphan) => orphan.kind === kind).length;
  return Object.fromEntries(ORPHAN_KINDS.map((kind) => [kind, count(kind)])) as Record<OrphanKind, number>;
}

/** `container bold_williamson (mcp/fetch, made 2026-11-21T10:00:00Z): matches the pattern mcp/*` */
function inWords({ kind, name, image, created, reason }: Orphan): string {
  const details = [image, created ? `made ${created}` : undefined].filter((part) => part !== undefined);
  return `${kind} ${name}${details.length > 0 ? ` (${details.join(", ")})` : ""}: ${reason}`;
}

async function remove({ kind, id }: Orphan, owner: Pick<OrphanSweepInputs, "estate" | "stack">): Promise<void> {
  const docker = connect();
  switch (kind) {
    case "container":
      await docker.getContainer(id).remove({ force: true });
      return;
    case "network":
      await docker.getNetwork(id).remove();
      return;
    case "image":
      await docker.getImage(id).remove();
      return;
    case "process": {
      const [pid = "", startTime = ""] = id.split(":");
      await endHostProcess({ pid: Number(pid), startTime });
      return;
    }
    case "script":
      await disableScript(id, journalOf(owner));
      return;
    case "volume":
      if (!isSecretsVolume(id, owner)) throw new Error("a data volume is removed only by name, after a backup");
      await docker.getVolume(id).remove();
      return;
  }
}

function merge(a: Declared, b: Declared | undefined): Declared {
  if (b === undefined) return a;
  return {
    containers: [...a.containers, ...b.containers],
    networks: [...a.networks, ...b.networks],
    volumes: [...a.volumes, ...b.volumes],
    images: [...a.images, ...b.images],
  };
}

export const provider: ResourceProvider<OrphanSweepInputs, OrphanSweepState> = {
  check: (olds, news) => checkOrphanSweep(olds, news),
  create: async (inputs) => ({ id: "orphan-sweep", outs: await sweepOrphans(inputs) }),
  async read(id, props) {
    if (!props) return {};
    const current = await observeOrphans(props);
    // What is only reported is no input: it would show as a change that the next update makes.
    const { reported: _reported, counts: _counts, found: _found, ...inputs } = current;
    return { id, props: current, inputs: inputs as OrphanSweepState };
  },
  diff: (_id, olds, news) => Promise.resolve(diffOrphans(olds, news)),
  update: async (_id, olds, news) => ({ outs: await sweepOrphans(news, olds.declared) }),
};
