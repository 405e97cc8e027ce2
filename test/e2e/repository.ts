import { execFile } from "node:child_process";
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { TestEstate } from "./testEstate.ts";

const run = promisify(execFile);

/** The git repository of an estate's folder: a rollback deploys the commit that its version was deployed from. */
export class Repository {
  private readonly folder: string;

  private constructor({ folder }: TestEstate) {
    this.folder = folder;
  }

  /** Makes one of the folder as it is, with one commit. */
  static async of(estate: TestEstate): Promise<Repository> {
    const repository = new Repository(estate);
    await repository.git("init", "--quiet");
    // Links here, which "node_modules/" does not mean.
    appendFileSync(join(estate.folder, ".git/info/exclude"), "node_modules\n");
    await repository.git("add", "--all");
    await repository.git("commit", "--quiet", "--message", "first");
    return repository;
  }

  /** @returns stdout. */
  async git(...args: string[]): Promise<string> {
    const own = ["-c", "user.name=test", "-c", "user.email=test@example.invalid", "-c", "commit.gpgsign=false"];
    return (await run("git", [...own, ...args], { cwd: this.folder })).stdout;
  }

  /** Changes the program of every server, in a new commit. */
  async changeProgram(): Promise<void> {
    appendFileSync(join(this.folder, "runtime/supervisor/main.ts"), "// another program\n");
    await this.git("commit", "--quiet", "--all", "--message", "another program");
  }
}
