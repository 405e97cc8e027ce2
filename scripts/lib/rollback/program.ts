import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { programVersion } from "../../../components/programVersion.ts";
import { capture, type Environment } from "../exec.ts";
import type { Say } from "../log.ts";
import { UserError } from "../userError.ts";
import type { GoodVersion } from "./choose.ts";

/** Folders with installed packages, below the project's. */
const PACKAGES = ["node_modules", "runtime/node_modules"];
const LOCK = "package-lock.json";

export interface ProgramOptions {
  /** Folder of the project. */
  project: string;
  env: Environment;
  say: Say;
}

/**
 * Runs `work` with the folder of the program that made a version: this one where it is the same, else a work tree of its
 * commit, gone afterwards.
 * @throws UserError when that program cannot be had again.
 */
export async function withProgramOf<T>(
  { number, release: { program } }: GoodVersion,
  { project, env, say }: ProgramOptions,
  work: (folder: string) => Promise<T>,
): Promise<T> {
  if (programVersion(project).hash === program.hash) return work(project);
  const what = `version ${number} was deployed from`;
  if (program.commit === "") {
    throw new UserError(
      `${what} other files than these, outside of a git repository; put those files here and run npm run up`,
    );
  }
  const commit = program.commit.slice(0, 12);
  if (program.dirty) {
    throw new UserError(
      `${what} commit ${commit} with changes that were not committed, so it cannot be had again; check that commit out, make the changes and run npm run up`,
    );
  }
  const git = (...args: string[]) => capture("git", args, { cwd: project, env });
  if ((await git("cat-file", "-e", `${program.commit}^{commit}`)).code !== 0) {
    throw new UserError(
      `${what} commit ${commit}, which is not in this repository; git fetch brings it if somebody pushed it`,
    );
  }
  const root = mkdtempSync(join(tmpdir(), "mcp-estate-program-"));
  try {
    // Work trees whose folder is gone: those of rollbacks that were killed.
    await git("worktree", "prune");
    const added = await git("worktree", "add", "--detach", "--force", join(root, "tree"), program.commit);
    if (added.code !== 0) throw new UserError(`git cannot check out commit ${commit}: ${added.stderr.trim()}`);
    const folder = join(root, "tree", (await git("rev-parse", "--show-prefix")).stdout.trim());
    if (programVersion(folder).hash !== program.hash) {
      throw new UserError(
        `${what} other files than commit ${commit} has; check out what was deployed and run npm run up`,
      );
    }
    say(`program of commit ${commit}`);
    await bringPackages(project, folder, say);
    return await work(folder);
  } finally {
    await git("worktree", "remove", "--force", join(root, "tree"));
    rmSync(root, { recursive: true, force: true });
  }
}

/** The same lock file has the same packages; another one gets its own, by the program's own start script. */
async function bringPackages(project: string, folder: string, say: Say): Promise<void> {
  if (readFileSync(join(project, LOCK), "utf8") === readFileSync(join(folder, LOCK), "utf8")) {
    for (const path of PACKAGES.filter((each) => existsSync(join(project, each)))) {
      symlinkSync(join(project, path), join(folder, path));
    }
    return;
  }
  say("its packages are others than those installed here: installing them");
  const { code, stderr } = await capture("sh", ["scripts/run", "pulumi", "version"], { cwd: folder });
  if (code !== 0) throw new UserError(`the packages of the earlier program cannot be installed: ${stderr.trim()}`);
}
