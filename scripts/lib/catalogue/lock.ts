import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { z } from "zod";
import { run } from "../../../components/providers/images/command.ts";
import { findPip, wheelOptions } from "../../../components/providers/images/packages.ts";
import { UserError } from "../userError.ts";

const PYTHON_VERSION = "3.11";
const FORMS = "npm:NAME@VERSION, for example npm:@modelcontextprotocol/server-memory@2026.8.31, or pypi:NAME==VERSION";

/**
 * Writes what pins a server's packages, with a hash for each.
 * @param folder where package.json and package-lock.json (npm) or requirements.txt (PyPI) go.
 * @param packages all of one kind: `npm:NAME@VERSION` or `pypi:NAME==VERSION`.
 * @returns the file that was written.
 */
export async function lockPackages(folder: string, packages: readonly string[]): Promise<string> {
  const [kind, ...others] = new Set(packages.map((each) => each.slice(0, each.indexOf(":"))));
  if (others.length > 0 || (kind !== "npm" && kind !== "pypi")) {
    throw new UserError(`${packages.join(" ") || "no package"} given; allowed are ${FORMS}`);
  }
  const specs = packages.map((each) => each.slice(kind.length + 1));
  mkdirSync(folder, { recursive: true });
  return kind === "npm" ? lockNpm(folder, specs) : lockPypi(folder, specs);
}

async function lockNpm(folder: string, specs: readonly string[]): Promise<string> {
  const dependencies = specs.map((spec) => {
    const [, name, version] = /^(.+)@(\d.*)$/.exec(spec) ?? [];
    if (!name || !version) throw new UserError(`npm:${spec} given; allowed are ${FORMS}`);
    return [name, version] as const;
  });
  const manifest = { name: `lock-${basename(folder)}`, private: true, dependencies: Object.fromEntries(dependencies) };
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  // No file names a registry, so that a mirror in npm's own configuration is used.
  const quiet = ["--ignore-scripts", "--omit-lockfile-registry-resolved", "--no-audit", "--no-fund"];
  await run("npm", ["install", "--package-lock-only", ...quiet], {
    cwd: folder,
    env: { npm_config_update_notifier: "false", npm_config_loglevel: "error" },
  });
  return join(folder, "package-lock.json");
}

const reportSchema = z.object({
  install: z.array(
    z.object({
      metadata: z.object({ name: z.string(), version: z.string() }),
      download_info: z.object({ archive_info: z.object({ hashes: z.object({ sha256: z.string() }) }) }),
    }),
  ),
});

/** With the hashes of the wheels for Linux on amd64 and arm64, for the Python of the base image. */
async function lockPypi(folder: string, specs: readonly string[]): Promise<string> {
  /** Package at its version → hashes of its wheels. */
  const locked = new Map<string, Set<string>>();
  const scratch = mkdtempSync(join(tmpdir(), "mcp-estate-lock-"));
  try {
    const [program, ...pip] = await findPip();
    for (const architecture of ["amd64", "arm64"] as const) {
      const report = join(scratch, `${architecture}.json`);
      const options = ["--quiet", "--dry-run", "--ignore-installed", "--report", report, "--target", scratch];
      await run(program, [...pip, "install", ...options, ...wheelOptions(PYTHON_VERSION, architecture), ...specs]);
      for (const { metadata, download_info } of reportSchema.parse(JSON.parse(readFileSync(report, "utf8"))).install) {
        const key = `${metadata.name.toLowerCase().replace(/[-_.]+/g, "-")}==${metadata.version}`;
        locked.set(key, (locked.get(key) ?? new Set()).add(download_info.archive_info.hashes.sha256));
      }
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  const lines = [...locked]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, hashes]) => {
      const options = [...hashes].sort().map((hash) => ` \\\n    --hash=sha256:${hash}`);
      return `${name}${options.join("")}\n`;
    });
  const file = join(folder, "requirements.txt");
  writeFileSync(file, lines.join(""));
  return file;
}
