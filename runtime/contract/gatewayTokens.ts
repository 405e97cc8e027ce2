import { createHash } from "node:crypto";
import * as z from "zod";

/** One bearer token that the gateway takes. */
export const gatewayTokenSchema = z.strictObject({
  /** Whose it is: a principal of the contract, or the owner. */
  principal: z.string().min(1),
  /** SHA-256 of the token, see hashToken. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/, "64 of 0-9 and a-f"),
  /** From then on it is refused. @default never */
  expires: z.iso.datetime({ offset: true }).optional(),
});
export type GatewayToken = z.infer<typeof gatewayTokenSchema>;

/** The file below SECRETS_DIR by which the gateway knows its callers; read at start and again on SIGHUP. */
export const gatewayTokensSchema = z.strictObject({
  version: z.literal(1),
  tokens: z.array(gatewayTokenSchema).min(1),
});
export type GatewayTokens = z.infer<typeof gatewayTokensSchema>;

/**
 * What is kept of a token in place of it: SHA-256, in hex. A slow, salted hash (bcrypt, scrypt) protects passwords that
 * can be guessed; these tokens are 285 random bits, which nobody finds by trying, and each call must be checked.
 */
export function hashToken(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}
