import { createHash } from "node:crypto";
import { Transform, type Readable, type TransformCallback } from "node:stream";
import { pipeline } from "node:stream/promises";
import tar, { type Extract, type Header } from "tar-stream";

/** What an archive of a volume holds, so that two can be compared. */
export interface Contents {
  /** Everything but folders. */
  files: number;
  /** Sum of the files' sizes. */
  bytes: number;
  /** SHA-256 over the sorted list of entries: path, kind, mode, owner, size, link target and each file's own SHA-256. */
  digest: string;
  /** SHA-256 of the archive as it came. */
  tarSha256: string;
}

/** Hands an archive on unchanged and knows, once it has ended, what was in it. Fails on one that breaks off. */
export class ContentsMeter extends Transform {
  private readonly whole = createHash("sha256");
  private readonly extract: Extract = tar.extract();
  private readonly lines: Promise<Line[]>;
  private result: Contents | undefined;

  constructor() {
    super();
    this.lines = readLines(this.extract);
    // The fault of a broken archive is told by `_transform` or `_flush`; here it only must not go unheard.
    this.lines.catch((error: unknown) => this.destroy(error as Error));
  }

  /** @throws when the archive has not ended yet. */
  get contents(): Contents {
    if (!this.result) throw new Error("the archive has not been read to its end");
    return this.result;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback): void {
    this.whole.update(chunk);
    if (this.extract.write(chunk)) callback(null, chunk);
    else this.extract.once("drain", () => callback(null, chunk));
  }

  override _flush(callback: TransformCallback): void {
    this.extract.end(null);
    this.lines.then(
      (lines) => {
        this.result = sumUp(lines, this.whole.digest("hex"));
        callback();
      },
      (error: unknown) => callback(error as Error),
    );
  }
}

/** Reads an archive to its end. */
export async function contentsOf(archive: Readable): Promise<Contents> {
  const meter = new ContentsMeter();
  await pipeline(archive, meter, async (source: AsyncIterable<Buffer>) => {
    for await (const _chunk of source); // only to be counted
  });
  return meter.contents;
}

export function sameContents(a: Contents, b: Contents): boolean {
  return a.digest === b.digest && a.files === b.files && a.bytes === b.bytes;
}

interface Line {
  path: string;
  text: string;
  isFile: boolean;
  bytes: number;
}

async function readLines(extract: Extract): Promise<Line[]> {
  const lines: Line[] = [];
  for await (const entry of extract) {
    const hash = createHash("sha256");
    let bytes = 0;
    for await (const chunk of entry as AsyncIterable<Buffer>) {
      hash.update(chunk);
      bytes += chunk.length;
    }
    lines.push(lineOf(entry.header, bytes, hash.digest("hex")));
  }
  return lines;
}

/** Without times: those of folders change by the restoring itself. Without the archive's root, which has any name. */
function lineOf(header: Header, bytes: number, sha256: string): Line {
  const { type, mode, linkname } = header;
  // tar-stream leaves ids that do not fit into the plain fields to the reader.
  const pax = (header.pax ?? {}) as Record<string, string>;
  const uid = Number(pax["uid"] ?? header.uid);
  const gid = Number(pax["gid"] ?? header.gid);
  // A hard link names another entry of the archive; for other kinds tar-stream says null.
  const link = type === "link" ? withoutRoot(linkname) : ((linkname as string | null) ?? "");
  const path = withoutRoot(header.name);
  const text = JSON.stringify([path, type, mode & 0o7777, uid, gid, bytes, link, type === "file" ? sha256 : ""]);
  return { path, text, isFile: type !== "directory", bytes };
}

function withoutRoot(name: string): string {
  return name.replace(/\/$/, "").split("/").slice(1).join("/");
}

function sumUp(lines: readonly Line[], tarSha256: string): Contents {
  const list = createHash("sha256");
  for (const { text } of lines.toSorted((a, b) => (a.path < b.path ? -1 : 1))) list.update(`${text}\n`);
  return {
    files: lines.filter(({ isFile }) => isFile).length,
    bytes: lines.reduce((sum, { bytes }) => sum + bytes, 0),
    digest: list.digest("hex"),
    tarSha256,
  };
}
