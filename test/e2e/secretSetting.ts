import type { CommandResult, TestEstate } from "./testEstate.ts";

/**
 * Gives an estate an encrypted setting as a user should: over standard input, as everybody on the machine reads command
 * lines. A later `configure` would write the file anew, without it.
 */
export function setSecret(estate: TestEstate, path: string, value: string): Promise<CommandResult> {
  return estate.succeed("pulumi", ["config", "set", "--secret", "--raw", "--path", path], {}, value);
}
