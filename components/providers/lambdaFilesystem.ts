import type { DiffResult, ReadResult, ResourceProvider } from "@pulumi/pulumi/dynamic/index.js";
import { z } from "zod";
import { lambdaOf, type LambdaAccessInputs } from "./lambda/access.ts";
import { LambdaError, UnknownOutcome } from "./lambda/client.ts";
import { filesystemSchema, filesystemsSchema } from "./lambda/objects.ts";

export interface LambdaFilesystemInputs extends LambdaAccessInputs {
  /** Unique in its region; a letter first, then letters, digits and '-', 60 at most. */
  name: string;
  region: string;
}

export interface LambdaFilesystemState extends LambdaFilesystemInputs {
  /** Where instances have it. */
  mountPoint: string;
}

/** The one of that name in that region: found again with its data, or made. */
async function ensureFilesystem(inputs: LambdaFilesystemInputs): Promise<z.infer<typeof filesystemSchema>> {
  const { client } = lambdaOf(inputs);
  const { name, region } = inputs;
  for (let attempt = 1; ; attempt++) {
    const all = await client.get("/file-systems", filesystemsSchema);
    const found = all.find((each) => each.name === name && each.region.name === region);
    if (found) return found;
    try {
      return await client.change("POST", "/filesystems", filesystemSchema, { body: { name, region } });
    } catch (error) {
      // It may have been made: the list says so.
      if (!(error instanceof UnknownOutcome) || attempt === 3) throw error;
    }
  }
}

export const provider: ResourceProvider<LambdaFilesystemInputs, LambdaFilesystemState> = {
  async create(inputs) {
    const { id, mount_point: mountPoint } = await ensureFilesystem(inputs);
    return { id, outs: { ...inputs, mountPoint } };
  },
  async read(id, state): Promise<ReadResult<LambdaFilesystemState>> {
    if (!state) return {};
    const all = await lambdaOf(state).client.get("/file-systems", filesystemsSchema);
    return all.some((each) => each.id === id) ? { id, props: state } : {};
  },
  diff(_id, olds, news): Promise<DiffResult> {
    const replaces = (["name", "region"] as const).filter((key) => olds[key] !== news[key]);
    return Promise.resolve({ changes: replaces.length > 0, replaces });
  },
  async delete(id, state) {
    try {
      await lambdaOf(state).client.change("DELETE", `/filesystems/${id}`, z.unknown(), { repeatable: true });
    } catch (error) {
      if (!(error instanceof LambdaError && error.status === 404)) throw error;
    }
  },
};
