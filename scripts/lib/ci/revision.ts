import { execFileSync } from "node:child_process";
import type { Environment } from "../exec.ts";
import { projectDir } from "../paths.ts";

/** The revision that a pull request is about, short; PREVIEW_REVISION wins, as GitHub checks out a merge of it. */
export function revision(env: Environment = process.env): string {
  if (env["PREVIEW_REVISION"]) return env["PREVIEW_REVISION"].slice(0, 12);
  try {
    const stdio = ["ignore", "pipe", "ignore"] as const;
    return execFileSync("git", ["rev-parse", "--short=12", "HEAD"], {
      cwd: projectDir,
      encoding: "utf8",
      stdio: [...stdio],
    }).trim();
  } catch {
    return "a folder without git";
  }
}
