import { isGood, sameDeployment, type Release, type Version } from "../history/index.ts";
import { UserError } from "../userError.ts";

export type GoodVersion = Version & { release: Release };

/**
 * The version that a rollback goes to.
 * @param wanted its number; without one, the newest that passed its gate and is not what the last update deployed.
 * @throws UserError that names the versions there are.
 */
export function chooseVersion(versions: readonly Version[], stack: string, wanted?: string): GoodVersion {
  const good = versions.filter(isGood);
  const list = good.map(({ number }) => number).join(", ");
  const known =
    list === "" ? `no version of stack "${stack}" has passed its gate` : `those that passed their gate are ${list}`;
  if (wanted === undefined) {
    const last = versions.findLast(({ kind }) => kind === "update");
    const found = good.findLast((version) => last === undefined || !isGood(last) || !sameDeployment(version, last));
    if (found !== undefined) return found;
    throw new UserError(`there is no earlier version of stack "${stack}" to go back to: ${known}`);
  }
  const version = /^\d+$/.test(wanted) ? versions.find(({ number }) => number === Number(wanted)) : undefined;
  if (version === undefined) {
    throw new UserError(`there is no version "${wanted}" of stack "${stack}": ${known}; npm run history shows all`);
  }
  if (version.fault !== undefined)
    throw new UserError(`version ${wanted} cannot be deployed again: ${version.fault}; ${known}`);
  if (isGood(version)) return version;
  throw new UserError(`version ${wanted} is ${whyNot(version)} and nothing to go back to; ${known}`);
}

function whyNot({ kind, result }: Version): string {
  if (kind !== "update") return `a ${kind}`;
  return result === "succeeded"
    ? "an update without a record of itself (an older program made it)"
    : `a ${result} update`;
}
