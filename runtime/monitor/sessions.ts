import { randomBytes } from "node:crypto";

/** Long enough for a shift. */
const LIFETIME_MS = 12 * 3600 * 1000;
/** Whoever has that many tabs can log in again. */
const MOST = 256;

interface Session {
  readonly token: string;
  readonly until: number;
}

/** Who is logged in, by the random name in his cookie: the token itself never goes back to the browser. */
export class Sessions {
  readonly #sessions = new Map<string, Session>();

  /** @returns the cookie's value. @param now Unix time in ms. */
  open(token: string, now = Date.now()): string {
    const id = randomBytes(32).toString("base64url");
    this.#sessions.set(id, { token, until: now + LIFETIME_MS });
    if (this.#sessions.size > MOST) {
      const [oldest = ""] = this.#sessions.keys();
      this.#sessions.delete(oldest);
    }
    return id;
  }

  /** The token of a session that is still good. */
  token(id: string | undefined, now = Date.now()): string | undefined {
    const session = id === undefined ? undefined : this.#sessions.get(id);
    if (session === undefined || id === undefined) return undefined;
    if (session.until > now) return session.token;
    this.#sessions.delete(id);
    return undefined;
  }

  close(id: string | undefined): void {
    if (id !== undefined) this.#sessions.delete(id);
  }
}

const NAME = "mcp_estate_monitor";

/** The session in a Cookie header. */
export function sessionIn(header: string | undefined): string | undefined {
  return new RegExp(`(?:^|;\\s*)${NAME}=([\\w-]+)`).exec(header ?? "")?.[1];
}

/** Set-Cookie header that no script and no other site's page sees. @param path below which it is sent. */
export function sessionCookie(id: string, path: string, secure: boolean): string {
  const attributes = [`Path=${path}`, "HttpOnly", "SameSite=Strict", `Max-Age=${id === "" ? 0 : LIFETIME_MS / 1000}`];
  return [`${NAME}=${id}`, ...attributes, ...(secure ? ["Secure"] : [])].join("; ");
}
