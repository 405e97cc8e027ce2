import { createHash, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import type { IncomingMessage } from "node:http";
import { Fault } from "../wire/faults.ts";
import { ContractError } from "../wire/contractFile.ts";

/** Tokens shorter than this can be guessed. */
const MIN_TOKEN_CHARS = 16;

const digest = (value: string): Buffer => createHash("sha256").update(value).digest();

/** Compares bearer tokens in constant time; only a digest is kept. */
export class BearerAuth {
  readonly #expected: Buffer;
  /** What each connection has already proved itself with: it learns nothing from a repetition being quicker. */
  readonly #proved = new WeakMap<Socket, string>();

  /** Throws ContractError when the token is too short. */
  constructor(token: string) {
    if (token.length < MIN_TOKEN_CHARS)
      throw new ContractError(`the token must have at least ${MIN_TOKEN_CHARS} characters`);
    this.#expected = digest(token);
  }

  /** Throws Fault "unauthorised" (401). */
  check(request: IncomingMessage): void {
    const { authorization } = request.headers;
    if (authorization === undefined)
      throw new Fault("unauthorised", "the header Authorization: Bearer TOKEN is missing");
    if (this.#proved.get(request.socket) === authorization) return;
    const token = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
    if (token === undefined || !timingSafeEqual(digest(token), this.#expected)) {
      throw new Fault("unauthorised", "the bearer token is wrong");
    }
    this.#proved.set(request.socket, authorization);
  }
}

/** Reads the token file. Throws ContractError that names the file, never its content. */
export function readAuth(secretsDir: string, tokenFile: string): BearerAuth {
  const path = join(secretsDir, tokenFile);
  let token: string;
  try {
    token = readFileSync(path, "utf8").trim();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw new ContractError(`the token file ${path} cannot be read (${code})`);
  }
  return new BearerAuth(token);
}
