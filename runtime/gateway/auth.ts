import { createHash, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import type { IncomingMessage } from "node:http";
import type { GatewayContract } from "../contract/index.ts";
import { Fault } from "../wire/faults.ts";
import { ContractError } from "../wire/contractFile.ts";

/** Tokens shorter than this can be guessed. */
const MIN_TOKEN_CHARS = 16;

const digest = (value: string): Buffer => createHash("sha256").update(value).digest();

/** The caller whose token is the estate's own. */
export const OWNER = "owner";

/** Compares bearer tokens in constant time and says whose they are; only digests are kept. */
export class BearerAuth {
  readonly #expected: readonly { readonly principal: string; readonly digest: Buffer }[];
  /** What each connection has already proved itself with: it learns nothing from a repetition being quicker. */
  readonly #proved = new WeakMap<Socket, { readonly authorization: string; readonly principal: string }>();

  /** Principal → token. Throws ContractError when a token is too short or two have the same. */
  constructor(tokens: Readonly<Record<string, string>>) {
    for (const [principal, token] of Object.entries(tokens)) {
      if (token.length < MIN_TOKEN_CHARS)
        throw new ContractError(`the token of ${principal} must have at least ${MIN_TOKEN_CHARS} characters`);
    }
    if (new Set(Object.values(tokens)).size < Object.keys(tokens).length)
      throw new ContractError("two principals have the same token");
    this.#expected = Object.entries(tokens).map(([principal, token]) => ({ principal, digest: digest(token) }));
  }

  get principals(): readonly string[] {
    return this.#expected.map(({ principal }) => principal);
  }

  /** The caller's principal. Throws Fault "unauthorised" (401). */
  check(request: IncomingMessage): string {
    const { authorization } = request.headers;
    if (authorization === undefined)
      throw new Fault("unauthorised", "the header Authorization: Bearer TOKEN is missing");
    const proved = this.#proved.get(request.socket);
    if (proved?.authorization === authorization) return proved.principal;
    const token = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
    const given = token === undefined ? undefined : digest(token);
    // every token is compared, so that the time says nothing about which one was near
    const found = this.#expected.filter((one) => given !== undefined && timingSafeEqual(given, one.digest))[0];
    if (found === undefined) throw new Fault("unauthorised", "the bearer token is wrong");
    this.#proved.set(request.socket, { authorization, principal: found.principal });
    return found.principal;
  }
}

function readToken(secretsDir: string, tokenFile: string): string {
  const path = join(secretsDir, tokenFile);
  try {
    return readFileSync(path, "utf8").trim();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw new ContractError(`the token file ${path} cannot be read (${code})`);
  }
}

/** Reads the token files of all principals. Throws ContractError that names the file, never its content. */
export function readAuth(
  secretsDir: string,
  { tokenFile, principals = [] }: Pick<GatewayContract, "tokenFile" | "principals">,
): BearerAuth {
  const entries = [{ name: OWNER, tokenFile }, ...principals].map((one) => [
    one.name,
    readToken(secretsDir, one.tokenFile),
  ]);
  return new BearerAuth(Object.fromEntries(entries) as Record<string, string>);
}
