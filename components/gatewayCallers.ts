import { z } from "zod";
import { OWNER, serverNameSchema, type PrincipalContract } from "../runtime/contract/index.ts";
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

/** All of a server, or all servers. */
const ALL = "*";

const toolSchema = z.string().regex(/^([^*]+\*?|\*)$/, 'a tool, or the begin of some with "*" at the end: search_*');

const scopeSchema = z.union(
  [z.literal(ALL), z.array(toolSchema).min(1, 'name at least one tool, or "*" for the whole server')],
  { error: '"*" for the whole server, or a list of tools such as [read_graph, search_*]' },
);

const rateLimitSchema = z.strictObject({
  /** On average, of any kind, on all its connections together. */
  requestsPerSecond: z.number().positive().max(100_000),
  /** At once. @default those of one second */
  burst: z.int().min(1).max(100_000).optional(),
});

const principalSettingsSchema = z.strictObject({
  /** @default one that never expires */
  tokens: tokensSchema.optional(),
  /** From then on all its tokens are refused. @default never */
  expires: instantSchema.optional(),
  /**
   * Server, or "*" for those that are not named → "*" for all that it offers, or a list of tools, which then are all that
   * it reaches there. The rest does not exist for it. @default everything
   */
  scopes: z.record(z.string(), scopeSchema).optional(),
  /** May it read `/metrics`, which tells of all servers? */
  admin: z.boolean().default(false),
  /** Beyond it requests get 429. @default no limit */
  rateLimit: rateLimitSchema.optional(),
});

export const principalsSchema = z.union(
  [z.array(serverNameSchema), z.record(serverNameSchema, principalSettingsSchema)],
  {
    error: "a list of names, or names with settings such as {alice: {expires: 2026-12-31}}",
  },
);

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
  /** What it may do; the owner's are none of the contract's. */
  rights: PrincipalContract;
}

interface CallerSettings {
  tokens?: z.infer<typeof tokensSchema> | undefined;
  principals: z.infer<typeof principalsSchema>;
}

/**
 * The owner first, then the principals.
 * @param servers that are declared.
 * @param key of the gateway's settings, for messages.
 */
export function resolveCallers(
  { tokens, principals }: CallerSettings,
  servers: readonly string[],
  key: string,
): { callers: CallerConfig[]; faults: string[] } {
  const named = Array.isArray(principals)
    ? principals.map((name) => ({ name, admin: false }))
    : Object.entries(principals).map(([name, settings]) => ({ name, ...settings }));
  const callers = [{ name: OWNER, admin: true, tokens }, ...named].map(resolveCaller);
  const faults = [
    ...nameFaults(
      named.map(({ name }) => name),
      `${key}.principals`,
    ),
    ...callers.flatMap((caller) => tokenFaults(caller, key)),
    ...callers.flatMap(({ rights }) => scopeFaults(rights, servers, `${key}.principals.${rights.name}.scopes`)),
  ];
  return { callers, faults };
}

/** A caller of the estate's own that reads the metrics and reaches no server. */
export function metricsReader(name: string): CallerConfig {
  return resolveCaller({ name, admin: true, scopes: {} });
}

function resolveCaller(settings: z.infer<typeof principalSettingsSchema> & { name: string }): CallerConfig {
  const { name, tokens = [{ name: FIRST_TOKEN }], expires: end, admin, scopes, rateLimit } = settings;
  return {
    name,
    rights: {
      name,
      ...(admin && { admin }),
      ...(scopes && { scopes }),
      ...(rateLimit && {
        rateLimit: { ...rateLimit, burst: rateLimit.burst ?? Math.ceil(rateLimit.requestsPerSecond) },
      }),
    },
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

function scopeFaults({ scopes, admin }: PrincipalContract, servers: readonly string[], key: string): string[] {
  if (scopes === undefined) return [];
  const names = Object.keys(scopes);
  if (names.length === 0 && !admin) {
    return [
      `${key}: {} reaches no server; leave it out for all of them, or set admin: true for one that reads the metrics alone`,
    ];
  }
  return names
    .filter((name) => name !== ALL && !servers.includes(name))
    .map((name) => `${key}.${name}: no server "${name}" is declared; allowed are ${[...servers, '"*"'].join(", ")}`);
}

function repeated(names: readonly string[]): string[] {
  return names.filter((name, index) => names.indexOf(name) !== index);
}
