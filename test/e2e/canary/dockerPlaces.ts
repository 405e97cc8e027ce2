import { spawn } from "node:child_process";
import { once } from "node:events";
import { docker } from "../testEstate.ts";
import { entriesOf } from "./archive.ts";
import type { HidingPlace, Leak, Scene } from "./hidingPlace.ts";
import { openCanary } from "./planted.ts";
import type { Piece } from "./search.ts";
import { throwAwayContainer, throwAwayImage } from "./throwAway.ts";

/** What Docker keeps of an estate, and shows to whoever may ask it. */
export function dockerPlaces({ estate, open, service, watch }: Scene): HidingPlace[] {
  /** A container that is there while its leak is looked for. */
  async function inContainer(options: (canary: string) => Parameters<typeof throwAwayContainer>[1]): Promise<Leak> {
    const canary = openCanary();
    const container = await throwAwayContainer(estate, options(canary));
    return { canary, undo: () => container.remove({ force: true }) };
  }

  /** An image with the canary in one place and something else in the other. */
  async function inImage(place: "file" | "label"): Promise<Leak> {
    const canary = openCanary();
    const image = await throwAwayImage(estate, { file: "nothing", label: "nothing", [place]: canary });
    return { canary, undo: image.remove };
  }

  const inName = (): Promise<Leak> => Promise.resolve({ canary: open.server });

  return [
    {
      name: "logs of containers, those that are gone included",
      leak: () => inContainer((canary) => ({ command: ["sh", "-c", `echo ${canary} >&2; sleep 60`] })),
      async *read() {
        yield* watch.containerLogs();
        for (const { Id, Names } of await estate.containers()) {
          const content = await docker.getContainer(Id).logs({ stdout: true, stderr: true });
          yield { of: `the log of ${Names.join()}`, content };
        }
      },
    },
    {
      name: "docker inspect of containers",
      leak: () => inContainer((leaked) => ({ labels: { leaked } })),
      async *read() {
        for (const { Id, Names, Labels } of await estate.containers()) {
          const holder = Labels["mcp-estate.component"] === service ? service : undefined;
          yield { ...json(`container ${Names.join()}`, await docker.getContainer(Id).inspect()), holder };
        }
      },
    },
    {
      name: "docker inspect and history of images",
      leak: () => inImage("label"),
      async *read() {
        for (const { Id, RepoTags } of await estate.images()) {
          const image = docker.getImage(Id);
          yield json(`image ${RepoTags?.join()}`, [await image.inspect(), await image.history()]);
        }
      },
    },
    {
      name: "docker inspect of volumes",
      leak: inName,
      async *read() {
        for (const { Name } of await estate.volumes())
          yield json(`volume ${Name}`, await docker.getVolume(Name).inspect());
      },
    },
    {
      name: "docker inspect of networks",
      leak: inName,
      async *read() {
        for (const { Id, Name } of await estate.networks())
          yield json(`network ${Name}`, await docker.getNetwork(Id).inspect());
      },
    },
    {
      name: "every layer of every image",
      leak: () => inImage("file"),
      async *read() {
        yield* savedImages((await estate.images()).map(({ Id }) => Id));
      },
    },
  ];
}

function json(of: string, value: unknown): Piece {
  return { of, content: Buffer.from(JSON.stringify(value)) };
}

/** All layers and settings of images, each once, as `docker save` writes them. */
async function* savedImages(ids: readonly string[]): AsyncGenerator<Piece> {
  const save = spawn("docker", ["save", ...ids], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(save, "close");
  yield* entriesOf(save.stdout, "the saved images");
  const [code] = (await ended) as [number];
  if (code !== 0) throw new Error(`docker save ended with ${code}`);
}
