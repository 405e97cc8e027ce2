import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { messageOf, UserError } from "../userError.ts";
import { ContentsMeter, type Contents } from "./contents.ts";
import type { BackupKey } from "./key.ts";

/**
 * Writes an archive into a sealed file, readable by its owner alone.
 * @param what is archived, for the error.
 * @throws the file system's error when it cannot be written, Error when the archive cannot be read.
 */
export async function sealInto(
  { key, file, what, signal }: { key: BackupKey; file: string; what: string; signal: AbortSignal },
  archive: Readable,
): Promise<{ contents: Contents; sealedSha256: string }> {
  const meter = new ContentsMeter();
  const hash = createHash("sha256");
  // Two pipelines: encryption takes a stream and gives another.
  const plain = pipeline(archive, meter, { signal });
  const sealing = key.seal(meter).then((sealed) =>
    pipeline(
      sealed,
      async function* (chunks: AsyncIterable<Uint8Array>) {
        for await (const chunk of chunks) {
          hash.update(chunk);
          yield chunk;
        }
      },
      createWriteStream(file, { mode: 0o600, flush: true }),
      { signal },
    ),
  );
  const [read, written] = await Promise.allSettled([plain, sealing]);
  // What stopped the writing (a full disk) is the reason; that the reading then stopped is not.
  if (written.status === "rejected") throw written.reason;
  if (read.status === "rejected") throw new Error(`${what} cannot be read: ${messageOf(read.reason)}`);
  return { contents: meter.contents, sealedSha256: hash.digest("hex") };
}

/** The plain archive of a sealed file. */
export async function openSealed(key: BackupKey, file: string): Promise<ContentsMeter> {
  const meter = new ContentsMeter();
  const opened = await key.open(createReadStream(file));
  // The meter hands its fault on to whoever reads it.
  pipeline(opened, meter).catch(() => undefined);
  return meter;
}

export function unreadable(file: string, error: unknown): UserError {
  return new UserError(
    `backup ${file} is refused: it cannot be opened (${messageOf(error)}); choose another with --from`,
  );
}
