import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import type Docker from "dockerode";
import type { Owner } from "../leftOvers.ts";
import { contentsOf, type Contents } from "./contents.ts";

/**
 * Labels of what is only there while we work. They are others than those of the estate's own objects, so that no update
 * takes them for orphans; and they are the journal: what a killed command was about can be read from them.
 */
export const WORK = {
  estate: "mcp-estate-work.estate",
  stack: "mcp-estate-work.stack",
  /** restore: the volume's contents may be half exchanged. */
  kind: "mcp-estate-work.kind",
  volume: "mcp-estate-work.volume",
  /** Ids of containers that are paused or stopped meanwhile and run again afterwards. */
  holds: "mcp-estate-work.holds",
  /** HOST:PID:START of the command: a process id comes again, one with the same time of start does not. */
  by: "mcp-estate-work.by",
} as const;

/** Where the volume lies in a container of ours. */
export const VOLUME_PATH = "/mcp-estate/volume";
/** Its corner for restores (swapContents.ts). */
export const CORNER = ".mcp-estate-restore";
const MIB = 1024 ** 2;

export interface WorkOptions {
  owner: Owner;
  /** Any image of the estate; nothing of it runs but Node, and that only to exchange contents. */
  image: string;
  volume: string;
  kind: "read" | "scratch" | "restore" | "mend";
  holds?: readonly string[];
}

export function workLabels({ owner, kind, volume, holds = [] }: Omit<WorkOptions, "image">): Record<string, string> {
  return {
    [WORK.estate]: owner.estate,
    [WORK.stack]: owner.stack,
    [WORK.kind]: kind,
    [WORK.volume]: volume,
    [WORK.holds]: holds.join(","),
    [WORK.by]: `${hostname()}:${process.pid}:${startOf(process.pid)}`,
  };
}

/** When a process was started, in ticks since the boot; undefined where it is gone or a zombie. */
export function startOf(pid: number): string | undefined {
  try {
    // proc(5): fields 3 and 22; the second one, the name in brackets, may hold spaces.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ");
    return fields?.[0] === "Z" ? undefined : fields?.[19];
  } catch {
    return undefined;
  }
}

/** A container on one volume. Only those that exchange contents are ever started; the others are read and written through Docker. */
export async function workContainer(docker: Docker, options: WorkOptions): Promise<Docker.Container> {
  const { image, volume, kind } = options;
  const moves = kind === "restore" || kind === "mend";
  return docker.createContainer({
    Image: image,
    // An image hands its labels down, and with the estate's own this would be an orphan.
    Labels: { ...workLabels(options), "mcp-estate.estate": "", "mcp-estate.stack": "", "mcp-estate.component": "" },
    User: "0:0",
    Entrypoint: ["/usr/local/bin/node"],
    Cmd: moves ? ["--input-type=module-typescript", "--eval", swapProgram(kind === "mend" ? "mend" : "commit")] : [],
    NetworkDisabled: true,
    Healthcheck: { Test: ["NONE"] },
    HostConfig: {
      NetworkMode: "none",
      // After a power cut nobody knows what of the new data reached the disk: the next command decides, by the marks.
      RestartPolicy: { Name: "no" },
      Memory: 256 * MIB,
      PidsLimit: 32,
      CapDrop: ["ALL"],
      CapAdd: ["CHOWN", "DAC_OVERRIDE", "FOWNER"],
      SecurityOpt: ["no-new-privileges"],
      Mounts: [
        {
          Type: "volume",
          Source: volume,
          Target: VOLUME_PATH,
          ReadOnly: kind === "read",
          // Docker fills an empty volume from the image otherwise.
          VolumeOptions: { NoCopy: true, Labels: {}, DriverConfig: { Name: "", Options: {} } },
        },
      ],
    },
  });
}

function swapProgram(mode: "commit" | "mend"): string {
  const source = readFileSync(join(import.meta.dirname, "swapContents.ts"), "utf8");
  return `${source}\nswapContents(${JSON.stringify(VOLUME_PATH)}, ${JSON.stringify(mode)});\n`;
}

/** Starts a container that exchanges contents and waits for its end. */
export async function runToEnd(container: Docker.Container): Promise<void> {
  await container.start();
  const { StatusCode } = (await container.wait()) as { StatusCode: number };
  if (StatusCode === 0) return;
  const logs = await container.logs({ stdout: true, stderr: true });
  throw new Error(`exchanging the contents of a volume ended with ${StatusCode}:\n${logs.toString("utf8").trim()}`);
}

/** The volume's contents, or those of a folder in it, as an archive. */
export async function readArchive(container: Docker.Container, path = VOLUME_PATH): Promise<Readable> {
  return Readable.from(await container.getArchive({ path }), { objectMode: false });
}

export async function readContents(container: Docker.Container, path = VOLUME_PATH): Promise<Contents> {
  return contentsOf(await readArchive(container, path));
}

/** Unpacks an archive in a folder that is there. Fails when the archive's own stream does. */
export async function writeArchive(container: Docker.Container, archive: Readable, path: string): Promise<void> {
  const broken = new AbortController();
  const fault = new Promise<never>((_, reject) => {
    archive.once("error", (error) => {
      // Docker would wait for the rest for ever.
      broken.abort();
      reject(error);
    });
  });
  await Promise.race([container.putArchive(archive, { path, abortSignal: broken.signal }), fault]);
}
