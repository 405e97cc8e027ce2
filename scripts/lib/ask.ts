import { createInterface } from "node:readline/promises";
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
