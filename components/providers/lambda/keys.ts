import { z } from "zod";
import { LambdaError, type LambdaClient } from "./client.ts";
import { sshKeysSchema } from "./objects.ts";

export async function removeKey(client: LambdaClient, id: string): Promise<void> {
  try {
    await client.change("DELETE", `/ssh-keys/${id}`, z.unknown(), { repeatable: true });
  } catch (error) {
    if (!(error instanceof LambdaError && error.status === 404)) throw error;
  }
}

/** Takes away the keys whose comment says that they are the owner's. */
export async function removeKeys(client: LambdaClient, owner: string): Promise<void> {
  const all = await client.get("/ssh-keys", sshKeysSchema);
  const own = all.filter(({ public_key: text }) => text.trim().split(/\s+/)[2] === owner);
  for (const { id } of own) await removeKey(client, id);
}
