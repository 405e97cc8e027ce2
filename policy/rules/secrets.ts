import {
  CONTAINER,
  CONTAINER_WATCH,
  isInputs,
  labelsOf,
  NETWORK,
  SECRET_FILES,
  textsOf,
  VOLUME,
  type DeclaredResource,
  type Inputs,
} from "../resource.ts";
import type { Finding, ResourceRule } from "../rule.ts";
import { isHarmless, isSecretName, knownForm, looksRandom } from "../secretText.ts";

const TODO_ENV = "take it out of env and give it in secretEnv, which is encrypted";
const TODO_TEXT = "take it out, make a new one, and give it as a secret file";

/** R-SEC-01. What is marked as secret is told apart by the state's own encryption: the engine shows policies the value alone. */
export const secretsInClear: ResourceRule = {
  name: "no-secret-in-clear",
  description: "No environment, label or command line holds what looks like a secret.",
  severity: "mandatory",
  types: [CONTAINER, NETWORK, VOLUME, CONTAINER_WATCH, SECRET_FILES],
  check(resource) {
    const { type, inputs } = resource;
    // The environment of a service as a whole is kept as a secret; what of it was written in clear its watch has apart.
    if (type === CONTAINER_WATCH) return "secretEnv" in inputs ? inEnvironment(declaredEnvs(inputs)) : [];
    if (type === SECRET_FILES) return inContract(inputs["contract"]);
    const inLabels = [...labelsOf(resource)].flatMap(([name, value]) =>
      // Digests are common in labels, so that randomness says nothing there.
      judged(name, value, (text) => knownForm(text)).map((why) => ({ why: `label ${why}`, todo: TODO_TEXT })),
    );
    if (type !== CONTAINER) return inLabels;
    const env = hasSecretEnvironment(resource) ? [] : inEnvironment(textsOf(inputs["envs"]));
    return [...env, ...inLabels, ...inCommand([...textsOf(inputs["entrypoints"]), ...textsOf(inputs["command"])])];
  },
};

/** A password in an environment shows in `docker inspect` and to every process of the container. */
export const secretEnvironment: ResourceRule = {
  name: "secret-in-environment",
  description: "Services take their secrets from files where they can.",
  severity: "advisory",
  types: [CONTAINER_WATCH],
  check({ inputs }) {
    const names = isInputs(inputs["secretEnv"]) ? Object.keys(inputs["secretEnv"]) : [];
    if (names.length === 0) return [];
    return [
      {
        why: `secretEnv ${names.join(", ")} shows in docker inspect on the host`,
        todo: "where the image reads a file (NAME_FILE), mount one; else know who may ask Docker",
      },
    ];
  },
};

function hasSecretEnvironment({ secretOutputs }: DeclaredResource): boolean {
  return secretOutputs.includes("envs");
}

function declaredEnvs({ declared }: Inputs): string[] {
  return isInputs(declared) ? textsOf(declared["envs"]) : [];
}

/** `NAME=value` each. */
function inEnvironment(envs: readonly string[]): Finding[] {
  return envs.flatMap((env) => {
    const at = env.indexOf("=");
    const [name, value] = at < 0 ? [env, ""] : [env.slice(0, at), env.slice(at + 1)];
    const look = (text: string) => knownForm(text) ?? (looksRandom(text) ? "one drawn at random" : undefined);
    return judged(name, value, look).map((why) => ({ why: `environment ${why}`, todo: TODO_ENV }));
  });
}

/** The contract of a server says what its child gets; it is no secret file. */
function inContract(contract: unknown): Finding[] {
  const { env, command } = parsed(contract);
  const envs = isInputs(env) ? Object.entries(env).map(([name, value]) => `${name}=${String(value)}`) : [];
  return [...inEnvironment(envs), ...inCommand(textsOf(command))];
}

function parsed(contract: unknown): Inputs {
  if (typeof contract !== "string") return {};
  try {
    const value: unknown = JSON.parse(contract);
    return isInputs(value) ? value : {};
  } catch {
    return {};
  }
}

function inCommand(words: readonly string[]): Finding[] {
  return words.flatMap((word, index) => {
    const form = knownForm(word);
    return form === undefined
      ? []
      : [{ why: `word ${index + 1} of the command line looks like ${form}`, todo: TODO_TEXT }];
  });
}

function judged(name: string, value: unknown, look: (text: string) => string | undefined): string[] {
  if (typeof value !== "string" || isHarmless(value)) return [];
  const form = look(value);
  if (form !== undefined) return [`${name} looks like ${form}`];
  return isSecretName(name) ? [`${name} has the name of a secret`] : [];
}
