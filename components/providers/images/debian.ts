import { createReadStream } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Layer } from "../../imageRecipe.ts";
import { assemble, type Assembly } from "./assemble.ts";
import { cacheFolder } from "./cache.ts";
import { isMissingProgram, run } from "./command.ts";
import { finish, inspectTag } from "./docker.ts";

type DebianLayer = Extract<Layer, { kind: "debian" }>;

/** Where the image below everything came from; a label, as the tag is known before it is tried. */
const LABEL_SOURCE = "mcp-estate.base-source";

/** Left out as Debian's own slim images do; licences stay. */
const LEFT_OUT = ["/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/doc/*"];

/** Installs what an image lacks. $@ are package names. Gives up soon where containers reach nothing. */
const EXTEND = `set -e
missing=""
for package in "$@"; do dpkg -s "$package" >/dev/null 2>&1 || missing="$missing $package"; done
[ -n "$missing" ] || exit 0
export DEBIAN_FRONTEND=noninteractive
limits="-o Acquire::Retries=0 -o Acquire::http::Timeout=10"
apt-get update -qq $limits --error-on=any
apt-get install -y -qq $limits --no-install-recommends $missing
apt-get clean
rm -rf /var/lib/apt/lists/*`;

/**
 * Debian with the packages that the estate needs: what is below, or the configured image once pulled, is extended where
 * that works (it takes a third of the time); else Debian is bootstrapped from its archive, and one line says so.
 * @throws Error when neither can be done.
 */
export async function buildDebian(layer: DebianLayer, assembly: Assembly): Promise<void> {
  const start = assembly.from ?? layer.baseImage;
  if (start) {
    try {
      await extend(layer, start, assembly);
      return;
    } catch (error) {
      const reason = (error as Error).message.trim().split("\n").at(-1)?.trim();
      assembly.log(`${start} cannot be pulled or extended (${reason}); bootstrapping instead`);
    }
  }
  await bootstrap(layer, assembly);
}

/** Adds the packages that an image lacks, in a container of it that reaches Debian's archive. */
async function extend(layer: DebianLayer, start: string, assembly: Assembly): Promise<void> {
  const { docker } = assembly;
  if (!(await inspectTag(docker, start))) await finish(docker, await docker.pull(start));
  await assemble({
    ...assembly,
    from: start,
    labels: { ...assembly.labels, ...(assembly.from ? {} : { [LABEL_SOURCE]: start }) },
    command: { args: ["/bin/sh", "-c", EXTEND, "extend", ...layer.packages], network: true },
  });
}

async function bootstrap(layer: DebianLayer, assembly: Assembly): Promise<void> {
  const { docker, architecture, log } = assembly;
  const folder = join(cacheFolder(), "bootstrap");
  const file = join(folder, `${assembly.tag.replace(/[^\w.-]/g, "-")}.tar`);
  await mkdir(folder, { recursive: true });
  log(`bootstrapping Debian ${layer.suite} with ${layer.packages.join(", ")}`);
  try {
    await run("mmdebstrap", [
      "--quiet",
      "--variant=minbase",
      `--architectures=${architecture}`,
      `--include=${layer.packages.join(",")}`,
      // Docker gives each container its own devices, host name and resolver; this machine's must not go in.
      "--skip=output/dev",
      '--customize-hook=rm -f "$1/etc/hostname" "$1/etc/resolv.conf"',
      // Nothing to save after a crash: the folder is thrown away then.
      "--dpkgopt=force-unsafe-io",
      ...LEFT_OUT.map((path) => `--dpkgopt=path-exclude=${path}`),
      "--dpkgopt=path-include=/usr/share/doc/*/copyright",
      '--aptopt=Acquire::Languages "none"',
      layer.suite,
      file,
    ]);
    const [repo, tag] = assembly.stagingTag.split(":");
    await finish(docker, await docker.importImage(createReadStream(file), { repo, tag }));
    try {
      await assemble({
        ...assembly,
        from: assembly.stagingTag,
        labels: { ...assembly.labels, [LABEL_SOURCE]: "mmdebstrap" },
      });
    } finally {
      await docker.getImage(assembly.stagingTag).remove();
    }
  } catch (error) {
    if (!isMissingProgram(error)) throw error;
    throw new Error(
      "no base image: mmdebstrap is not installed (`apt-get install --no-install-recommends mmdebstrap`) and no image to pull is configured or reachable (baseImage, for example debian:bookworm-slim)",
      { cause: error },
    );
  } finally {
    await rm(file, { force: true });
  }
}
