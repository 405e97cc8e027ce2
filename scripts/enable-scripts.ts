/**
 * `npm run enable-scripts -- [FILE…]`: gives start scripts of this machine that an update has disabled their names and
 * permissions back, all of them unless some are named.
 */
import { resolve } from "node:path";
import { namesOnly, parseArgs } from "./lib/args.ts";
import { disabledScripts, enableScript, journalFile } from "./lib/disabledScripts.ts";
import { ownerOf } from "./lib/leftOvers.ts";
import { sayer } from "./lib/log.ts";
import { main } from "./lib/main.ts";
import { projectDir } from "./lib/paths.ts";
import { requireStackFile, setting } from "./lib/stackFile.ts";
import { UserError } from "./lib/userError.ts";

const KEY = "mcp-estate:orphans.startScripts";

await main(() => {
  const { stack, rest } = parseArgs(process.argv.slice(2), ["yes"]);
  const names = namesOnly(rest, "--stack").map((name) => resolve(name).replace(/\.disabled$/, ""));
  const stackFile = requireStackFile(projectDir, stack);
  const journal = journalFile(ownerOf(projectDir, stack));
  const known = disabledScripts(journal);
  const unknown = names.find((name) => !known.some(({ path }) => path === name));
  if (unknown !== undefined) {
    const there = known.map(({ path }) => path).join(", ") || "none";
    throw new UserError(`"${unknown}" was not disabled by stack "${stack}"; there is ${there}`);
  }
  const say = sayer("scripts");
  for (const script of known.filter(({ path }) => names.length === 0 || names.includes(path))) {
    if (enableScript(journal, script)) say(`${script.path} can be started again`);
    else say(`${script.path}.disabled is gone: nothing to give back`);
  }
  if (known.length === 0) say(`stack "${stack}" has disabled none`);
  else if (setting(stackFile, KEY) === "disable") {
    say(`the next update disables them again: set ${KEY} to report in ${stackFile.file}`);
  }
  return Promise.resolve(0);
});
