import { z } from "zod";
import { OWNER, serverNameSchema } from "../runtime/contract/index.ts";
import { instantOf, instantSchema } from "./instant.ts";

const tokenSchema = z.strictObject({
  /** Tells the tokens of one caller apart; a new name is a new token. */
  name: z.string().regex(/^[a-z0-9]{1,20}$/, "1 to 20 of a-z and 0-9"),
  /** From then on it is refused. @default never */
  expires: instantSchema.optional(),
});

/** The tokens of one caller, all valid at once; the last is the current one. */
export const tokensSchema = z.array(tokenSchema).min(1);

/** The token of a caller whose tokens nobody has listed. */
export const FIRST_TOKEN = "1";

const principalSettingsSchema = z.strictObject({
  /** @default one that never expires */
  tokens: tokensSchema.optional(),
  /** From then on all its tokens are refused. @default never */
  expires: instantSchema.optional(),
});

export const principalsSchema = z.union([
  z.array(serverNameSchema),
  z.record(serverNameSchema, principalSettingsSchema),
]);

/** One bearer token. */
export interface TokenConfig {
  name: string;
  /** ISO 8601, in UTC. */
  expires?: string;
}

/** Who may call, with every question answered. */
export interface CallerConfig {
  name: string;
  tokens: readonly TokenConfig[];
}

interface CallerSettings {
  tokens?: z.infer<typeof tokensSchema> | undefined;
  principals: z.infer<typeof principalsSchema>;
}

/**
 * The owner first, then the principals.
 * @param key of the gateway's settings, for messages.
 */
export function resolveCallers(
  { tokens, principals }: CallerSettings,
  key: string,
): { callers: CallerConfig[]; faults: string[] } {
  const named = Array.isArray(principals)
    ? principals.map((name) => ({ name }))
    : Object.entries(principals).map(([name, settings]) => ({ name, ...settings }));
  const callers = [{ name: OWNER, tokens }, ...named].map(resolveCaller);
  const faults = [
    ...nameFaults(
      named.map(({ name }) => name),
      `${key}.principals`,
    ),
    ...callers.flatMap((caller) => tokenFaults(caller, key)),
  ];
  return { callers, faults };
}

function resolveCaller(settings: z.infer<typeof principalSettingsSchema> & { name: string }): CallerConfig {
  const { name, tokens = [{ name: FIRST_TOKEN }], expires: end } = settings;
  return {
    name,
    tokens: tokens.map((token) => {
      const [first] = [token.expires, end].flatMap((text) => instantOf(text ?? "") ?? []).sort();
      return { name: token.name, ...(first !== undefined && { expires: first }) };
    }),
  };
}

function nameFaults(names: readonly string[], key: string): string[] {
  return [
    ...(names.includes(OWNER)
      ? [`${key}: "${OWNER}" is the caller with the stack's own token (gatewayToken); give another name`]
      : []),
    ...repeated(names).map((name) => `${key}: "${name}" is given twice; each name is one caller`),
  ];
}

function tokenFaults({ name, tokens }: CallerConfig, key: string): string[] {
  const where = name === OWNER ? `${key}.tokens` : `${key}.principals.${name}.tokens`;
  return repeated(tokens.map((token) => token.name)).map(
    (token) => `${where}: "${token}" is given twice; each name is one token`,
  );
}

function repeated(names: readonly string[]): string[] {
  return names.filter((name, index) => names.indexOf(name) !== index);
}
