import { createReadStream, createWriteStream } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type Docker from "dockerode";
import type { Layer } from "../../imageLayers.ts";
import { uncovered } from "../pulledImage.ts";
import { staged } from "./cache.ts";
import { finish, pulled } from "./docker.ts";

type Graft = Extract<Layer, { kind: "graft" }>;

/** Lays all that a graft takes along below /kit of a container of the image that has it. */
const GATHER = `set -e
kit=/kit/opt/mcp-estate
mkdir -p $kit/bin $kit/lib /kit/usr/bin
cp /usr/bin/tini-static $kit/bin/tini
cp /usr/local/bin/node /usr/bin/curl $kit/bin
ldd $kit/bin/node $kit/bin/curl | sed -n 's/.*=> \\(\\/[^ ]*\\) .*/\\1/p; s/^[[:space:]]*\\(\\/[^ ]*\\) .*/\\1/p' | sort -u >/kit.libraries
while read -r library; do cp -L $library $kit/lib; done </kit.libraries
mv $kit/lib/ld-linux-* $kit/lib/ld.so
cat >/kit/usr/bin/curl <<'END'
#!/bin/sh
exec /opt/mcp-estate/lib/ld.so --library-path /opt/mcp-estate/lib /opt/mcp-estate/bin/curl "$@"
END
chmod 755 /kit/usr/bin/curl`;

/**
 * Id of the image that is grafted onto.
 * @throws Error when it cannot be had, or keeps data where nothing is mounted.
 */
export async function graftBase(
  docker: Docker,
  name: string,
  { onto, mountPoints }: Graft,
  root: string,
): Promise<string> {
  const id =
    "image" in onto ? await pulled(docker, name, onto.image) : await buildFolder(docker, name, onto.dockerfile, root);
  const { Config } = await docker.getImage(id).inspect();
  const reference = "image" in onto ? onto.image : `of ${onto.dockerfile}`;
  const [bare] = uncovered({ component: name, reference, mountPoints }, Object.keys(Config.Volumes ?? {}));
  if (bare) throw new Error(bare.reason);
  return id;
}

/** `docker build` of a folder, with what its .dockerignore leaves. @throws Error with Docker's own message */
async function buildFolder(docker: Docker, name: string, folder: string, root: string): Promise<string> {
  const context = join(root, folder);
  try {
    const stream = await docker.buildImage({ context, src: await readdir(context) }, { rm: true, forcerm: true });
    const messages = await finish(docker, stream);
    const id = messages.findLast(({ aux }) => aux?.ID)?.aux?.ID;
    if (!id) throw new Error("Docker tells no id of what it has built");
    return id;
  } catch (error) {
    throw new Error(`${name}: ${join(folder, "Dockerfile")} cannot be built: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** The archive of all that a graft takes along. @param donor id of the image that has it */
export async function openKit(docker: Docker, donor = ""): Promise<Readable> {
  const folder = await staged(["kit", donor, GATHER], async (unfinished) => {
    const container = await docker.createContainer({
      Image: donor,
      User: "0:0",
      Entrypoint: [],
      Cmd: ["/bin/sh", "-c", GATHER],
      HostConfig: { NetworkMode: "none" },
    });
    try {
      await container.start();
      const { StatusCode: code } = (await container.wait()) as { StatusCode: number };
      if (code !== 0) {
        const log = await container.logs({ stdout: true, stderr: true, tail: 5 });
        throw new Error(`what goes into others' images could not be gathered: ${log.toString()}`);
      }
      // The dot: what is in the folder, without the folder.
      await pipeline(await container.getArchive({ path: "/kit/." }), createWriteStream(join(unfinished, "kit.tar")));
    } finally {
      await container.remove({ force: true, v: true });
    }
  });
  return createReadStream(join(folder, "kit.tar"));
}
