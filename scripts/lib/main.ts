import { styleText } from "node:util";
import { UserError } from "./userError.ts";

/** Runs a command: its exit code becomes the process's; a UserError is one line and exit code 1. */
export async function main(command: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await command();
  } catch (error) {
    process.exitCode = 1;
    if (!(error instanceof UserError)) throw error;
    process.stderr.write(`${styleText("red", "error:", { stream: process.stderr })} ${error.message}\n`);
  }
}
