import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { arch, platform } from "node:process";
import { capture } from "./exec.ts";
import type { Say } from "./log.ts";
import { messageOf } from "./userError.ts";
import { engineVersion } from "./versions.ts";

const releases = "https://get.pulumi.com/releases/sdk";

export interface DownloadOptions {
  /** Where the programs of the archive are put, as a whole or not at all. */
  folder: string;
  say: Say;
  /** @default the official releases */
  releasesUrl?: string;
}

/**
 * Brings the official command line program with its language hosts.
 * @throws Error when the releases cannot be reached within 5 s or the archive is not the one in the published checksums.
 */
export async function downloadEngine({ folder, say, releasesUrl = releases }: DownloadOptions): Promise<void> {
  const archive = `pulumi-v${engineVersion}-${platform}-${arch}.tar.gz`;
  const sums = await (await get(`${releasesUrl}/pulumi-${engineVersion}-checksums.txt`, 5_000)).text();
  const published = sums
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .find(([, name]) => name === archive)?.[0];
  if (published === undefined) throw new Error(`there is no release ${archive}`);

  say(`downloading ${archive}`);
  const bytes = Buffer.from(await (await get(`${releasesUrl}/${archive}`, 600_000)).arrayBuffer());
  const actual = createHash("sha256").update(bytes).digest("hex");
  if (actual !== published) throw new Error(`${archive} has sha256 ${actual}, published is ${published}: thrown away`);

  await mkdir(dirname(folder), { recursive: true });
  const workDir = await mkdtemp(join(dirname(folder), `.${basename(folder)}-`));
  try {
    const file = join(workDir, archive);
    await writeFile(file, bytes);
    const unpacked = join(workDir, "unpacked");
    await mkdir(unpacked);
    const { code, stderr } = await capture("tar", ["-xzf", file, "-C", unpacked, "--strip-components=1"]);
    if (code !== 0) throw new Error(`cannot unpack ${archive}: ${stderr.trim()}`);
    await rename(unpacked, folder);
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
}

async function get(url: string, timeoutMs: number): Promise<Response> {
  const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) }).catch((error: unknown) => {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    throw new Error(`${new URL(url).host} cannot be reached (${messageOf(cause)})`);
  });
  if (!response.ok) throw new Error(`${url} answers ${response.status}`);
  return response;
}
