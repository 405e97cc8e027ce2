/**
 * `npm run preview`: what was changed by hand and what `npm run up` would do, in words. Changes nothing of the estate.
 * Exit code 1 when a policy refuses it. With `--diff` or `--json` the engine's own output; with `--placeholders` also where
 * secrets or an environment's values are not at hand, with values of the right type in their place.
 */
import { runAttached } from "./lib/exec.ts";
import { look } from "./lib/look.ts";
import { main } from "./lib/main.ts";
import { projectDir } from "./lib/paths.ts";
import { policyArgs } from "./lib/policies/pack.ts";
import { isMandatory, violationsTable } from "./lib/policies/violations.ts";
import { changesTable, driftTable, placeholderList } from "./lib/report.ts";
import { withStack } from "./lib/settings/withStack.ts";
import { stackArgs } from "./lib/stackHosts.ts";

const POLICIES_OFF = "Policies are off (mcp-estate:policy.enabled: false).";

await main(() => {
  const { stack, flags, rest } = stackArgs(process.argv.slice(2), ["yes", "placeholders"]);
  const missing = flags.has("placeholders") ? "preview" : "refuse";
  return withStack({ stack, flags, missing }, async (ready) => {
    const { prepared, placeholders } = ready;
    const policy = await policyArgs(stack);
    const args = [...ready.args, ...policy, ...rest];
    process.stdout.write(placeholderList(placeholders));
    if (rest.includes("--diff") || rest.includes("--json")) {
      const { engine, env } = prepared;
      return runAttached(engine.file, ["preview", "--stack", stack, ...args], { cwd: projectDir, env });
    }
    const { drift, changes, violations } = await look(prepared, stack, args);
    process.stdout.write(`${driftTable(drift)}\n\n`);
    process.stdout.write(`${changesTable(changes, '"npm run up"')}\n\n`);
    process.stdout.write(`${policy.length > 0 ? violationsTable(violations) : POLICIES_OFF}\n`);
    return violations.some(isMandatory) ? 1 : 0;
  });
});
