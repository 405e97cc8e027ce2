/** `node components/catalogue/locks/lockPypi.ts FOLDER REQUIREMENT…` writes FOLDER/requirements.txt with hashes. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { run } from "../../providers/images/command.ts";
import { findPip, wheelOptions } from "../../providers/images/packages.ts";

const reportSchema = z.object({
  install: z.array(
    z.object({
      metadata: z.object({ name: z.string(), version: z.string() }),
      download_info: z.object({ archive_info: z.object({ hashes: z.object({ sha256: z.string() }) }) }),
    }),
  ),
});

const PYTHON_VERSION = "3.11";
const [folder, ...requirements] = process.argv.slice(2);
if (!folder || requirements.length === 0) {
  throw new Error("FOLDER and at least one REQUIREMENT must be given, for example: fetch mcp-server-fetch==2026.10.24");
}

/** Package at its version → hashes of its wheels. */
const locked = new Map<string, Set<string>>();
const scratch = await mkdtemp(join(tmpdir(), "mcp-estate-lock-"));
try {
  const [program, ...pip] = await findPip();
  for (const architecture of ["amd64", "arm64"] as const) {
    const report = join(scratch, `${architecture}.json`);
    const options = ["--quiet", "--dry-run", "--ignore-installed", "--report", report, "--target", scratch];
    await run(program, [...pip, "install", ...options, ...wheelOptions(PYTHON_VERSION, architecture), ...requirements]);
    for (const { metadata, download_info } of reportSchema.parse(JSON.parse(await readFile(report, "utf8"))).install) {
      const key = `${metadata.name.toLowerCase().replace(/[-_.]+/g, "-")}==${metadata.version}`;
      locked.set(key, (locked.get(key) ?? new Set()).add(download_info.archive_info.hashes.sha256));
    }
  }
} finally {
  await rm(scratch, { recursive: true, force: true });
}

const lines = [...locked]
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(([name, hashes]) => {
    const options = [...hashes].sort().map((hash) => ` \\\n    --hash=sha256:${hash}`);
    return `${name}${options.join("")}\n`;
  });
const target = join(import.meta.dirname, folder);
await mkdir(target, { recursive: true });
await writeFile(join(target, "requirements.txt"), lines.join(""));
