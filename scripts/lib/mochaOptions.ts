import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { projectDir } from "./paths.ts";

const mocharc = z.object({
  timeout: z.number(),
  slow: z.number(),
  ui: z.literal("bdd"),
  forbidOnly: z.boolean(),
});

/** The options of .mocharc.json, which mocha's own command line reads as well. */
export function loadMochaOptions(): z.infer<typeof mocharc> {
  return mocharc.parse(JSON.parse(readFileSync(join(projectDir, ".mocharc.json"), "utf8")));
}
