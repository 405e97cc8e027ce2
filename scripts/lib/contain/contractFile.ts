import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import type Docker from "dockerode";
import tar, { type Header } from "tar-stream";
import { z } from "zod";

/** Where a workload's contract lies (runtime/contract/index.ts). */
const FOLDER = "/run/secrets";
const NAME = "contract.json";

/** What is read of a server's contract; the rest stays as it is. The gateway's has no command. */
const serverContract = z.object({
  name: z.string(),
  command: z.array(z.string()),
  contained: z.string().optional(),
});

/** A server's contract as it lies in its container, and the archive entry that it came in. */
export interface ContractFile {
  server: string;
  /** Why it is contained; undefined when it is not. */
  contained: string | undefined;
  content: Record<string, unknown>;
  header: Pick<Header, "mode" | "mtime"> & { ids: { uid: string; gid: string } };
}

/** The contract of a server's container, running or not; undefined where the container is no server's. */
export async function readContract(container: Docker.Container): Promise<ContractFile | undefined> {
  const archive = await container.getArchive({ path: `${FOLDER}/${NAME}` }).catch(() => undefined);
  if (archive === undefined) return undefined;
  const extract = tar.extract();
  archive.pipe(extract);
  let found: ContractFile | undefined;
  // read to its end, as a connection that is left in the middle keeps the program from ending
  for await (const entry of extract) found = contractIn(entry.header, (await buffer(entry)).toString("utf8")) ?? found;
  return found;
}

function contractIn({ mode, mtime, uid, gid, pax }: Header, text: string): ContractFile | undefined {
  // as it came: the checked copy has its keys in another order
  const content = JSON.parse(text) as Record<string, unknown>;
  const read = serverContract.safeParse(content);
  if (!read.success) return undefined;
  const { name, contained } = read.data;
  // ids beyond the plain fields of a header stand in its extension
  const large = (pax ?? {}) as { uid?: string; gid?: string };
  const ids = { uid: String(large.uid ?? uid), gid: String(large.gid ?? gid) };
  return { server: name, contained, content, header: { mode, mtime, ids } };
}

/**
 * Writes why a server is contained, or takes it out again, and has the supervisor read it (SIGHUP). Without it the file
 * is byte for byte what the program delivered; with it the next preview says that the file was changed.
 */
export async function writeContained(
  container: Docker.Container,
  { content, header }: ContractFile,
  contained: string | undefined,
): Promise<void> {
  const { contained: _before, ...delivered } = content;
  const text = JSON.stringify(contained === undefined ? delivered : { ...delivered, contained }, null, 2);
  const { mode, mtime, ids } = header;
  const pack = tar.pack();
  pack.entry({ name: NAME, mode, mtime, pax: ids }, text);
  pack.finalize();
  await container.putArchive(Readable.from(pack), { path: FOLDER });
  const { Running, Paused } = (await container.inspect()).State;
  if (Running && !Paused) await container.kill({ signal: "SIGHUP" });
}
