import { timingSafeEqual } from "node:crypto";
import { join } from "node:path";
import { gatewayTokensSchema, hashToken, OWNER, type GatewayContract, type GatewayToken } from "../contract/index.ts";
import { ContractError, readContract } from "../wire/contractFile.ts";
import { Fault } from "../wire/faults.ts";

/** A token that was shown, without the token. */
export interface Credential {
  readonly principal: string;
  readonly sha256: string;
  /** In ms since 1970. */
  readonly expiresAt: number | undefined;
}

interface Known extends Credential {
  readonly digest: Buffer;
}

/**
 * Says whose a bearer token is. Only hashes are kept, and the cost does not grow with the number of tokens: the hash of
 * what is given is looked up. The time of the look-up tells something about that hash at most, and from a hash nobody
 * gets to a token; what was found is compared in constant time all the same.
 */
export class BearerAuth {
  readonly #known: ReadonlyMap<string, Known>;

  /** Throws ContractError when two tokens are the same. */
  constructor(tokens: readonly GatewayToken[]) {
    const known = tokens.map(({ principal, sha256, expires }): [string, Known] => {
      const expiresAt = expires === undefined ? undefined : Date.parse(expires);
      return [sha256, { principal, sha256, expiresAt, digest: Buffer.from(sha256, "hex") }];
    });
    this.#known = new Map(known);
    if (this.#known.size < tokens.length) throw new ContractError("two tokens are the same");
  }

  /**
   * @param authorization the request's header.
   * Throws Fault "unauthorised" (401).
   */
  check(authorization: string | undefined, now = Date.now()): Credential {
    if (authorization === undefined)
      throw new Fault("unauthorised", "the header Authorization: Bearer TOKEN is missing");
    const token = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
    const sha256 = token === undefined ? "" : hashToken(token);
    const found = this.#known.get(sha256);
    if (found === undefined || !timingSafeEqual(found.digest, Buffer.from(sha256, "hex")))
      throw new Fault("unauthorised", "the bearer token is wrong");
    if (hasExpired(found, now)) throw new Fault("unauthorised", "the bearer token has expired");
    return found;
  }

  /** Would what was shown earlier still be taken? */
  accepts(credential: Credential, now = Date.now()): boolean {
    const known = this.#known.get(credential.sha256);
    return known?.principal === credential.principal && !hasExpired(known, now);
  }
}

function hasExpired({ expiresAt }: Credential, now: number): boolean {
  return expiresAt !== undefined && now >= expiresAt;
}

/** The tokens of those whom the contract names, and of the owner. Throws ContractError that names the file. */
export function readAuth(
  secretsDir: string,
  { tokensFile, principals = [] }: Pick<GatewayContract, "tokensFile" | "principals">,
): BearerAuth {
  const names = new Set([OWNER, ...principals.map(({ name }) => name)]);
  const { tokens } = readContract(join(secretsDir, tokensFile), gatewayTokensSchema);
  return new BearerAuth(tokens.filter(({ principal }) => names.has(principal)));
}
