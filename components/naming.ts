import { createHash } from "node:crypto";

/** Who an object belongs to; everything that we create on a host carries this as labels (R-DRF-02). */
export interface Owner {
  /** The project: `mcp-estate` unless the user renamed it. */
  estate: string;
  stack: string;
}

export const LABEL_ESTATE = "mcp-estate.estate";
export const LABEL_STACK = "mcp-estate.stack";
export const LABEL_COMPONENT = "mcp-estate.component";

/** Digest of what a container was made for, where something else takes another container. */
export const LABEL_CONTRACT = "mcp-estate.contract";

/** Ports of a container behind which what comes is decrypted, separated by commas. */
export const LABEL_TLS = "mcp-estate.tls";

/** The three labels of one object, in the shape of the docker provider's `labels`. */
export function labelsOf(owner: Owner, component: string): Array<{ label: string; value: string }> {
  return [
    { label: LABEL_ESTATE, value: owner.estate },
    { label: LABEL_STACK, value: owner.stack },
    { label: LABEL_COMPONENT, value: component },
  ];
}

const FIRST_UID = 100_000;
const UID_COUNT = 1_900_000_000;

/**
 * The uid (and gid) of one component: unique per estate, stack and component, the same for ever.
 * nproc counts per uid over the whole host and files on volumes belong to it, so neither the position in a list nor
 * a random number will do. 1.9 thousand million values make a clash between stacks of one host negligible.
 */
export function uidOf(owner: Owner, component: string): number {
  return FIRST_UID + (hashToUint32(`${owner.estate}\0${owner.stack}\0${component}`) % UID_COUNT);
}

/** First 32 bits of SHA-256 as an unsigned integer. */
export function hashToUint32(text: string): number {
  return createHash("sha256").update(text).digest().readUInt32BE(0);
}
