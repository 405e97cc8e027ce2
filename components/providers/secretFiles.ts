import { timingSafeEqual } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { isDeepStrictEqual } from "node:util";
import type { DiffResult, ResourceProvider } from "@pulumi/pulumi/dynamic/index.js";
import type Docker from "dockerode";
import tar from "tar-stream";
import { CONTRACT_NAME, SECRETS_DIR } from "../../runtime/contract/index.ts";
import { connect, isNotFound } from "./docker.ts";
import { packEntries } from "./images/archive.ts";

/** Inputs of the resource; `files` is secret as a whole. */
export interface SecretFilesInputs {
  containerId: string;
  /** Group that may read the files; they belong to root. */
  gid: number;
  /** Content of the contract file: no secret, so that a diff can show it. */
  contract: string;
  /** File name → content. */
  files: Record<string, string>;
  /** `delivered`, else which files are missing, differ or belong to others; never a value. */
  observed: string;
}

export const DELIVERED = "delivered";
const FILE_MODE = 0o440;
/** The bits of a mode that say who may. */
const PERMISSIONS = 0o7777;

/**
 * Writes the files into the container's own volume, and tells a running program to read them again (SIGHUP).
 * What else the volume holds is emptied: an archive cannot delete, and an old value must not stay, not even one that
 * was delivered to an earlier container with this volume.
 */
export async function deliverSecretFiles(inputs: SecretFilesInputs): Promise<SecretFilesInputs> {
  const container = connect().getContainer(inputs.containerId);
  const wanted = wantedFiles(inputs);
  for (const name of leftOver(await readFiles(container), wanted)) wanted[name] = "";
  const entries = Object.entries(wanted).map(([name, content]) => ({
    name,
    mode: FILE_MODE,
    gid: inputs.gid,
    content,
  }));
  await container.putArchive(packEntries(entries), { path: SECRETS_DIR });
  if ((await container.inspect()).State.Running) await container.kill({ signal: "SIGHUP" });
  return { ...inputs, observed: DELIVERED };
}

/** Compares the files in the container with what was delivered; undefined when the container is gone. */
export async function observeSecretFiles(props: SecretFilesInputs): Promise<string | undefined> {
  let found: Map<string, FoundFile>;
  try {
    found = await readFiles(connect().getContainer(props.containerId));
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
  const faults = Object.entries(wantedFiles(props)).flatMap(([name, content]) => {
    const actual = found.get(name);
    if (!actual) return [`${name} is missing`];
    const expected = Buffer.from(content);
    const same = actual.content.length === expected.length && timingSafeEqual(actual.content, expected);
    const { uid, gid, mode } = actual;
    const guarded = uid === 0 && gid === props.gid && mode === FILE_MODE;
    return [
      ...(same ? [] : [`${name} differs`]),
      ...(guarded ? [] : [`${name} is ${uid}:${gid} ${mode.toString(8).padStart(4, "0")}`]),
    ];
  });
  faults.push(...leftOver(found, wantedFiles(props)).map((name) => `${name} is not declared`));
  return faults.length === 0 ? DELIVERED : faults.join(", ");
}

/** Names of the files that a container has, with their sizes in bytes; never a value. */
export async function secretFileSizes(container: Docker.Container): Promise<Map<string, number>> {
  const files = await readFiles(container);
  return new Map([...files].map(([name, { content }]) => [name, content.length]));
}

export function diffSecretFiles(olds: SecretFilesInputs, news: SecretFilesInputs): DiffResult {
  const replaces = olds.containerId === news.containerId ? [] : ["containerId"];
  const inPlace = ["gid", "contract", "files", "observed"] as const;
  const same = inPlace.every((key) => isDeepStrictEqual(olds[key], news[key]));
  return { changes: replaces.length > 0 || !same, replaces };
}

function wantedFiles(inputs: SecretFilesInputs): Record<string, string> {
  return { ...inputs.files, [CONTRACT_NAME]: inputs.contract };
}

/** Names of the files with content that nobody wants. */
function leftOver(found: ReadonlyMap<string, FoundFile>, wanted: Readonly<Record<string, string>>): string[] {
  return [...found].flatMap(([name, { content }]) => (name in wanted || content.length === 0 ? [] : [name]));
}

interface FoundFile {
  content: Buffer;
  uid: number;
  gid: number;
  mode: number;
}

async function readFiles(container: Docker.Container): Promise<Map<string, FoundFile>> {
  const archive = await container.getArchive({ path: SECRETS_DIR });
  const extract = tar.extract();
  const result = new Map<string, FoundFile>();
  archive.pipe(extract);
  for await (const entry of extract) {
    const content = await buffer(entry);
    // Names in the archive begin with the folder's own name.
    const { type, name, mode } = entry.header;
    // Ids beyond seven octal digits do not fit into the header itself.
    const large = (entry.header.pax ?? {}) as { uid?: string; gid?: string };
    const [uid, gid] = [Number(large.uid ?? entry.header.uid), Number(large.gid ?? entry.header.gid)];
    if (type === "file") {
      result.set(name.split("/").slice(1).join("/"), { content, uid, gid, mode: mode & PERMISSIONS });
    }
  }
  return result;
}

export const provider: ResourceProvider<SecretFilesInputs, SecretFilesInputs> = {
  create: async (inputs) => ({ id: inputs.containerId, outs: await deliverSecretFiles(inputs) }),
  async read(id, props) {
    const observed = props ? await observeSecretFiles(props) : undefined;
    if (!observed || !props) return {};
    const current = { ...props, observed };
    return { id, props: current, inputs: current };
  },
  diff: (_id, olds, news) => Promise.resolve(diffSecretFiles(olds, news)),
  update: async (_id, _olds, news) => ({ outs: await deliverSecretFiles(news) }),
};
