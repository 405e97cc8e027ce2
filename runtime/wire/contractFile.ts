import { readFileSync } from "node:fs";
import type * as z from "zod";

/** A contract file that cannot be used; the message names the file and every wrong key. */
export class ContractError extends Error {
  override readonly name = "ContractError";
}

/** Reads and checks a contract file. Throws ContractError. */
export function readContract<T>(path: string, schema: z.ZodType<T>): T {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ContractError(`the contract file ${path} cannot be read: ${reason}`);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => `${issue.path.join(".") || "(top level)"}: ${issue.message}`);
  throw new ContractError(`the contract file ${path} is not valid: ${faults.join("; ")}`);
}
