import { observe } from "../look.ts";
import type { Prepared } from "../prepare.ts";
import { isMandatory, violationsTable } from "./violations.ts";

/**
 * Asks the policies about an update before it begins: in the update itself the engine asks about one resource after the
 * other, and those before the refused one would be changed by then. Says what is violated. What else stands against the
 * update the engine says in it.
 * @param args with which the update will run.
 */
export async function refusedByPolicy(prepared: Prepared, stack: string, args: readonly string[]): Promise<boolean> {
  if (!args.includes("--policy-pack")) return false;
  // Policies judge what is declared, so what runs need not be looked at.
  const { violations } = await observe(prepared, stack, [...args, "--refresh=false"]);
  if (violations.length > 0) process.stdout.write(`${violationsTable(violations)}\n\n`);
  return violations.some(isMandatory);
}
