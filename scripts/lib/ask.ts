import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { UserError } from "./userError.ts";

/** Asks before something is changed on the machine. Throws UserError when the answer is no. */
export type Consent = (whatWillBeDone: string) => Promise<void>;

/** Asks on a terminal; elsewhere, or with `--yes`, the answer is yes. */
export function consent(assumeYes: boolean): Consent {
  return async (whatWillBeDone) => {
    if (assumeYes || !process.stdin.isTTY) return;
    const terminal = createInterface({ input: process.stdin, output: process.stderr });
    try {
      const answer = await terminal.question(`${whatWillBeDone}. Go on? [Y/n] `);
      if (!/^(y|yes)?$/i.test(answer.trim())) throw new UserError(`not done, as you said: ${whatWillBeDone}`);
    } finally {
      terminal.close();
    }
  };
}

/**
 * Reads a secret from standard input, without its last line end; on a terminal asks for a line and does not show it.
 */
export async function askSecret(question: string): Promise<string> {
  if (!process.stdin.isTTY) return (await text(process.stdin)).replace(/\r?\n$/, "");
  // Echoes nothing: what readline would write goes nowhere.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  process.stderr.write(`${question}: `);
  try {
    return await terminal.question("");
  } finally {
    terminal.close();
    process.stderr.write("\n");
  }
}
