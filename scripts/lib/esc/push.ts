import { isPair, isScalar, isSeq, parseDocument, visit, type Document } from "yaml";
import { capture, type Environment } from "../exec.ts";
import { UserError } from "../userError.ts";

export interface PushOptions {
  /** The engine's CLI, and the environment in which it is logged in to Pulumi Cloud. */
  program: string;
  env: Environment;
  /** The environment's whole name: `[ORGANIZATION/]PROJECT/NAME`. */
  name: string;
  /** Its definition as it is written here. */
  definition: string;
  secrets: ReadonlyMap<string, string>;
}

export interface Pushed {
  isNew: boolean;
  /** Names of the secrets whose values were sent, and of those that Pulumi Cloud had already. */
  sent: string[];
  kept: string[];
}

/**
 * Writes one definition to Pulumi Cloud. Where it names a secret, the value of this machine is sent, over standard input,
 * and encrypted there; without one here, the value that is there stays.
 * @throws UserError when a secret has a value at neither place, or with the CLI's reason; nothing was changed then.
 */
export async function pushEnvironment({ program, env, name, definition, secrets }: PushOptions): Promise<Pushed> {
  const there = await definitionThere({ program, env, name });
  const { text, sent, kept } = filledIn(definition, { name, secrets, there });
  const args = ["env", there === undefined ? "init" : "edit", name, "--file", "-", "--non-interactive"];
  const { code, stdout, stderr } = await capture(program, args, { env, input: text });
  if (code !== 0) throw new UserError(`environment "${name}" cannot be written: ${(stderr || stdout).trim()}`);
  return { isNew: there === undefined, sent, kept };
}

/** Undefined where there is no such environment. */
async function definitionThere({ program, env, name }: Pick<PushOptions, "program" | "env" | "name">) {
  const args = ["env", "get", name, "--definition", "--non-interactive"];
  const { code, stdout, stderr } = await capture(program, args, { env });
  if (code === 0) return stdout;
  if (/not found|404/i.test(stderr)) return undefined;
  throw new UserError(`Pulumi Cloud does not tell of environment "${name}": ${(stderr || stdout).trim()}`);
}

/** The definition with a value, or its encrypted form from Pulumi Cloud, in the place of each secret's name. */
export function filledIn(
  definition: string,
  { name, secrets, there }: { name: string; secrets: ReadonlyMap<string, string>; there: string | undefined },
): { text: string; sent: string[]; kept: string[] } {
  const document = parseDocument(definition);
  const known = there === undefined ? undefined : parseDocument(there);
  const [sent, kept, missing] = [new Set<string>(), new Set<string>(), new Set<string>()];
  visit(document, {
    Pair(_, pair, ancestors) {
      if (!isScalar(pair.key) || pair.key.value !== "fn::secret" || !isScalar(pair.value)) return;
      const secret = String(pair.value.value);
      const value = secrets.get(secret);
      const sealed = value === undefined ? known && sealedAt(known, pathTo(ancestors)) : undefined;
      if (value !== undefined) pair.value.value = value;
      else if (sealed !== undefined) pair.value = document.createNode({ ciphertext: sealed });
      (value !== undefined ? sent : sealed !== undefined ? kept : missing).add(secret);
    },
  });
  if (missing.size > 0) {
    throw new UserError(
      `environment "${name}" names ${[...missing].join(", ")}, which has a value neither here nor in Pulumi Cloud: npm run secret -- set NAME, then push again`,
    );
  }
  return { text: document.toString({ lineWidth: 0 }), sent: [...sent], kept: [...kept] };
}

/** Keys and indices from the root to what has these ancestors. */
function pathTo(ancestors: readonly unknown[]): Array<string | number> {
  const path: Array<string | number> = [];
  for (const [i, node] of ancestors.entries()) {
    if (isPair(node) && isScalar(node.key)) path.push(String(node.key.value));
    else if (isSeq(node)) path.push(node.items.indexOf(ancestors[i + 1]));
  }
  return path;
}

function sealedAt(document: Document, path: ReadonlyArray<string | number>): string | undefined {
  const found = document.getIn([...path, "fn::secret", "ciphertext"]);
  return typeof found === "string" ? found : undefined;
}
