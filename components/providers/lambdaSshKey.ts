import type { DiffResult, ResourceProvider } from "@pulumi/pulumi/dynamic/index.js";
import { lambdaOf, type LambdaAccessInputs } from "./lambda/access.ts";
import { UnknownOutcome } from "./lambda/client.ts";
import { removeKey } from "./lambda/keys.ts";
import { sshKeySchema, sshKeysSchema } from "./lambda/objects.ts";

export interface LambdaSshKeyInputs extends LambdaAccessInputs {
  /** Unique in the account. */
  name: string;
  /** In OpenSSH's form. */
  publicKey: string;
}

/**
 * The key under its name: found again, or registered.
 * @returns its id. @throws Error when the account has another key of that name.
 */
async function ensureKey(inputs: LambdaSshKeyInputs): Promise<string> {
  const { client } = lambdaOf(inputs);
  const { name, publicKey } = inputs;
  for (let attempt = 1; ; attempt++) {
    const found = (await client.get("/ssh-keys", sshKeysSchema)).find((key) => key.name === name);
    if (found && bare(found.public_key) === bare(publicKey)) return found.id;
    if (found) {
      throw new Error(
        `the account has another SSH key named "${name}"; give another name, or remove that one at Lambda`,
      );
    }
    try {
      return (await client.change("POST", "/ssh-keys", sshKeySchema, { body: { name, public_key: publicKey } })).id;
    } catch (error) {
      // It may have been registered: the list says so.
      if (!(error instanceof UnknownOutcome) || attempt === 3) throw error;
    }
  }
}

/** Without the comment, which is for people. */
function bare(publicKey: string): string {
  return publicKey.trim().split(/\s+/).slice(0, 2).join(" ");
}

export const provider: ResourceProvider<LambdaSshKeyInputs, LambdaSshKeyInputs> = {
  create: async (inputs) => ({ id: await ensureKey(inputs), outs: inputs }),
  async read(id, state) {
    if (!state) return {};
    const found = (await lambdaOf(state).client.get("/ssh-keys", sshKeysSchema)).find((key) => key.id === id);
    return found ? { id, props: { ...state, publicKey: sameKey(state.publicKey, found.public_key) } } : {};
  },
  diff(_id, olds, news): Promise<DiffResult> {
    const replaces = [
      ...(olds.name === news.name ? [] : ["name"]),
      ...(bare(olds.publicKey) === bare(news.publicKey) ? [] : ["publicKey"]),
    ];
    return Promise.resolve({ changes: replaces.length > 0, replaces, deleteBeforeReplace: true });
  },
  delete: (id, state) => removeKey(lambdaOf(state).client, id),
};

/** As it is declared where only the comment differs. */
function sameKey(declared: string, found: string): string {
  return bare(declared) === bare(found) ? declared : found;
}
