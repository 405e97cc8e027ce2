import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Which program made a deployment. */
export interface ProgramVersion {
  /** Content hash of all its files: equal hashes are equal programs, whatever git says. */
  hash: string;
  /** Git commit; "" where the folder is none of a repository. */
  commit: string;
  /** Whether files of the program differ from that commit, so that the commit does not bring it back. */
  dirty: boolean;
}

/** What the program is made of; not the stack files, which the engine's history keeps. */
const FILES = [
  "Pulumi.yaml",
  "config.ts",
  "index.ts",
  "package.json",
  "package-lock.json",
  "components/**",
  "runtime/**",
];
const HASH_LENGTH = 16;

/** @param folder the project's. */
export function programVersion(folder: string): ProgramVersion {
  return { hash: programHash(folder), ...revision(folder) };
}

function programHash(folder: string): string {
  const hash = createHash("sha256");
  const exclude = ({ name }: { name: string }): boolean => name === "node_modules";
  const entries = globSync(FILES, { cwd: folder, exclude, withFileTypes: true }).filter((entry) => entry.isFile());
  for (const file of entries.map(({ parentPath, name }) => join(parentPath, name)).sort()) {
    hash
      .update(`${file.slice(folder.length)}\0`)
      .update(readFileSync(file))
      .update("\0");
  }
  return hash.digest("hex").slice(0, HASH_LENGTH);
}

function revision(folder: string): Pick<ProgramVersion, "commit" | "dirty"> {
  try {
    const changed = git(folder, ["status", "--porcelain", "--", ...FILES, ":(exclude,glob)**/node_modules"]);
    return { commit: git(folder, ["rev-parse", "HEAD"]), dirty: changed !== "" };
  } catch {
    // No git, no repository, or one without a commit: the hash alone tells programs apart.
    return { commit: "", dirty: true };
  }
}

function git(folder: string, args: readonly string[]): string {
  return execFileSync("git", args, { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
}
