import { createHash, randomBytes } from "node:crypto";

/** What the engine's autonaming says for one resource (Check request). */
export interface NameProposal {
  /** `propose` and `enforce` carry a name made from the user's `pulumi:autonaming` setting; `disable` forbids one. */
  mode: "propose" | "enforce" | "disable";
  name: string;
}

/**
 * The physical name of a resource whose program gives none: `<name>-<7 hex>` unless the user configured another scheme.
 *
 * @param seed when given, the same seed gives the same name (an update plan has to run as it was previewed).
 * @throws Error when the user's configuration disables automatic names.
 */
export function autoName(name: string, seed: Uint8Array, proposal: NameProposal | undefined): string {
  if (proposal?.mode === "disable") {
    throw new Error(`automatic naming is disabled and resource "${name}" has no name: give it one`);
  }
  if (proposal !== undefined) return proposal.name;
  const random =
    seed.length > 0 ? createHash("sha256").update(seed).update(name).digest("hex") : randomBytes(4).toString("hex");
  return `${name}-${random.slice(0, 7)}`;
}
