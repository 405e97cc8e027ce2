import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { basename, join, posix } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Client, SFTPWrapper, Stats } from "ssh2";
import type { OperationContext, ResourceType } from "../resourceType.ts";
import { isAsset, isUnknown, type Value, type ValueMap } from "../values.ts";
import { diffCommand, idOf, isString, wrongInputs, type InputChecks } from "./commandResource.ts";
import { withClient } from "./ssh.ts";
import { connectionFault, type Connection } from "./sshConnection.ts";

const INPUTS: InputChecks = {
  connection: (value) => connectionFault(value),
  remotePath: isString,
  source: sourceFault,
  triggers: (value) => (Array.isArray(value) ? undefined : "give a list"),
};

/** command:remote:CopyToRemote. As with the official plugin nothing is taken away at the end: the copy stays there. */
export const copyToRemote: ResourceType = {
  check(given) {
    const inputs = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null));
    const absent = ["connection", "remotePath", "source"].filter((name) => inputs[name] === undefined);
    const failures = absent.map((property) => ({ property, reason: `Missing required property "${property}"` }));
    return { inputs, failures: [...failures, ...wrongInputs(inputs, INPUTS)] };
  },
  diff: ({ oldInputs, oldOutputs, inputs }) =>
    diffCommand(Object.keys(oldInputs).length > 0 ? oldInputs : oldOutputs, inputs, Object.keys(INPUTS)),
  preview: (inputs) => inputs,
  async create(inputs, context) {
    await copy(inputs, context);
    return { id: idOf(context), outputs: inputs };
  },
  async update({ inputs }, context) {
    await copy(inputs, context);
    return inputs;
  },
  /** Other hosts are not looked at: the state is all there is. */
  read(id, oldInputs, oldOutputs) {
    if (oldInputs === undefined)
      throw new Error(`a copy cannot be imported (${id}): what was copied cannot be looked up`);
    return Promise.resolve({ id, inputs: oldInputs, outputs: oldOutputs });
  },
  delete: () => Promise.resolve(),
};

function sourceFault(value: Value): string | undefined {
  if (isUnknown(value)) return undefined;
  const has = isAsset(value) && ["text", "path"].some((key) => typeof value[key] === "string");
  return has ? undefined : "give a FileAsset, a StringAsset or a FileArchive";
}

async function copy(inputs: ValueMap, context: OperationContext): Promise<void> {
  const { text, path } = inputs["source"] as { text?: string; path?: string };
  const target = inputs["remotePath"] as string;
  await withClient(inputs["connection"] as unknown as Connection, context, async (client) => {
    const sftp = await open(client);
    const there = await statOf(sftp, target);
    if (path === undefined || path === "") {
      if (there?.isDirectory()) throw new Error(`${target} is a folder there: give a text the path of a file`);
      return put(sftp, Readable.from([text ?? ""]), target);
    }
    await copyPath(sftp, path, there?.isDirectory() ? posix.join(target, basename(path)) : target);
  });
}

/** A folder is copied with all that is in it, over what is there; what else is there stays. */
async function copyPath(sftp: SFTPWrapper, from: string, to: string): Promise<void> {
  const source = await stat(from);
  if (!source.isDirectory()) return put(sftp, createReadStream(from), to, source.mode);
  if ((await statOf(sftp, to))?.isDirectory() === false)
    throw new Error(`${to} is a file there, and ${from} is a folder`);
  await makeFolder(sftp, to);
  for (const name of await readdir(from)) await copyPath(sftp, join(from, name), posix.join(to, name));
}

async function put(sftp: SFTPWrapper, content: Readable, to: string, mode?: number): Promise<void> {
  await makeFolder(sftp, posix.dirname(to));
  try {
    await pipeline(content, sftp.createWriteStream(to, mode === undefined ? {} : { mode }));
  } catch (error) {
    throw new Error(`${to} cannot be written there: ${(error as Error).message}`, { cause: error });
  }
}

/** With those above it. */
async function makeFolder(sftp: SFTPWrapper, path: string): Promise<void> {
  if (await statOf(sftp, path)) return;
  await makeFolder(sftp, posix.dirname(path));
  const error = await new Promise<Error | null | undefined>((resolve) => sftp.mkdir(path, resolve));
  // Another copy may have made it in the meantime; the answer does not say so.
  if (error && !(await statOf(sftp, path))) throw new Error(`folder ${path} cannot be made there: ${error.message}`);
}

function open(client: Client): Promise<SFTPWrapper> {
  return new Promise((resolve, reject) => client.sftp((error, sftp) => (error ? reject(error) : resolve(sftp))));
}

/** @returns undefined where there is nothing. */
function statOf(sftp: SFTPWrapper, path: string): Promise<Stats | undefined> {
  return new Promise((resolve) => sftp.stat(path, (error, stats) => resolve(error ? undefined : stats)));
}
