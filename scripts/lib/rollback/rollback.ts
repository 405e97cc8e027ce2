import { isDeepStrictEqual } from "node:util";
import type { Release } from "../history/index.ts";
import { table, type Say } from "../log.ts";
import { projectDir } from "../paths.ts";
import type { Prepared } from "../prepare.ts";
import { runUpdate, type Deployment, type UpdateResult } from "../update.ts";
import type { GoodVersion } from "./choose.ts";
import { withConfigOf } from "./configFile.ts";
import { withProgramOf } from "./program.ts";

export interface RollbackOptions {
  stack: string;
  say: Say;
  /** Why, for the engine's history. */
  reason?: string;
}

/**
 * Deploys an earlier version again: its settings, its program, its images by content hash. Volumes keep today's data.
 * @throws UserError before anything was changed when that version cannot be had again.
 */
export function rollBack(
  prepared: Prepared,
  version: GoodVersion,
  { stack, say, reason }: RollbackOptions,
): Promise<UpdateResult> {
  const message = `rollback to version ${version.number}${reason === undefined ? "" : `: ${reason}`}`;
  const args = ["--yes", "--skip-preview", "--message", message];
  return withVersion(prepared, version, { stack, say, args }, (deployment) => runUpdate(prepared, deployment));
}

/** Runs `work` with everything of a version in place. */
export function withVersion<T>(
  { env }: Prepared,
  version: GoodVersion,
  { stack, say, args }: { stack: string; say: Say; args: readonly string[] },
  work: (deployment: Required<Deployment>) => Promise<T>,
): Promise<T> {
  return withProgramOf(version, { project: projectDir, env, say }, (program) =>
    withConfigOf(version, { project: projectDir, stack }, (configFile) => work({ stack, program, configFile, args })),
  );
}

/** One row for each component that is or was: whether image and tools are those that were recorded. */
export function comparison(recorded: Release, now: Release | undefined): { equal: boolean; text: string } {
  const names = [...new Set([...Object.keys(recorded.images), ...Object.keys(now?.images ?? {})])].sort();
  const rows = names.map((name) => {
    const image = recorded.images[name]?.tag;
    const there = now?.images[name]?.tag;
    const tools = isDeepStrictEqual(recorded.smoke.tools[name], now?.smoke.tools[name]);
    return {
      name,
      image: image === there ? (image ?? "") : `${there ?? "none"}, recorded ${image ?? "none"}`,
      tools,
      same: image === there,
    };
  });
  return {
    equal: rows.every(({ tools, same }) => tools && same),
    text: table(
      ["COMPONENT", "IMAGE", "AS RECORDED"],
      rows.map(({ name, image, tools, same }) => [
        name,
        image,
        same && tools ? "yes" : same ? "other tools" : "other image",
      ]),
    ),
  };
}
