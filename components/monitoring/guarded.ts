import type { Guarded, Limits } from "../../runtime/contract/index.ts";
import { uidOf, type Owner } from "../naming.ts";

/** Those of our own containers that run as root (see DockerFilter): by their labels alone can they be known. */
const ROOTS = new Set(["guard-control", "collector-control"]);

/**
 * How the guard knows each container: ours by its uid, a service by its label.
 * @param own programs of the estate, under uids of their own.
 * @param services of others' images.
 */
export function guarded(
  owner: Owner,
  own: ReadonlyArray<{ component: string; limits: Limits }>,
  services: ReadonlyArray<{ name: string; limits: Limits }>,
): Guarded[] {
  return [
    ...own.map(({ component: name, limits }) => ({
      name,
      limits,
      ...(ROOTS.has(name) ? {} : { uid: uidOf(owner, name) }),
    })),
    ...services.map(({ name, limits }) => ({ name, limits })),
  ];
}
