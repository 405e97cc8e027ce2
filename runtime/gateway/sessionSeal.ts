import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { isRecord } from "../wire/envelope.ts";
import { readSecretFile } from "../wire/secretFile.ts";
import { newSessionId } from "../wire/sessionStore.ts";
import type { ClientParams } from "./upstreamSession.ts";

/** What another gateway must know to go on with a client's session. */
export interface SealedSession {
  readonly revision: string;
  readonly client: ClientParams;
  /** Unix time in ms. */
  readonly issuedAt: number;
}

const SEPARATOR = ".";
/** A header is to hold it; a client that says more of itself has a session that lives in one gateway. */
const MAX_PAYLOAD_CHARS = 3000;
/** A client that was away for longer begins anew. */
const MAX_AGE_MS = 24 * 3600 * 1000;

/**
 * Ids of sessions on `/mcp` that any gateway with the same key understands: `NONCE.PAYLOAD.MAC`, all base64url. A gateway
 * that takes another one's place goes on with its sessions, and no gateway needs a table of them. The payload is what the
 * client has said of itself, no secret; the MAC covers the holder too, so that an id is of no use to anybody else.
 */
export class SessionSeal {
  readonly #key: Buffer;

  /** @param key @default one that this process alone has */
  constructor(key: Buffer = randomBytes(32)) {
    this.#key = key;
  }

  /** An id for a new session. */
  seal(session: SealedSession, holder: string): string {
    const nonce = newSessionId();
    const payload = Buffer.from(JSON.stringify(session)).toString("base64url");
    if (payload.length > MAX_PAYLOAD_CHARS) return nonce;
    return [nonce, payload, this.#mac(nonce, payload, holder).toString("base64url")].join(SEPARATOR);
  }

  /** What an id says; undefined when it is not of this key, of another holder, or too old. */
  open(id: string, holder: string, now = Date.now()): SealedSession | undefined {
    const [nonce = "", payload = "", mac, ...rest] = id.split(SEPARATOR);
    if (mac === undefined || rest.length > 0) return undefined;
    const [given, wanted] = [Buffer.from(mac, "base64url"), this.#mac(nonce, payload, holder)];
    if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return undefined;
    const session = JSON.parse(Buffer.from(payload, "base64url").toString()) as unknown;
    if (!isRecord(session)) return undefined;
    const sealed = session as unknown as SealedSession;
    return now - sealed.issuedAt > MAX_AGE_MS ? undefined : sealed;
  }

  #mac(nonce: string, payload: string, holder: string): Buffer {
    return createHmac("sha256", this.#key)
      .update(JSON.stringify([nonce, payload, holder]))
      .digest();
  }
}

/**
 * The seal of gateways that share a key file.
 * @param keyFile @default none: ids are good for this process alone
 * @throws ContractError that names the file, never its content.
 */
export function readSeal(secretsDir: string, keyFile: string | undefined): SessionSeal {
  return new SessionSeal(keyFile === undefined ? undefined : Buffer.from(readSecretFile(secretsDir, keyFile)));
}
