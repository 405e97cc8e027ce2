/**
 * `npm run up`: brings what is missing, deploys the stack, returns when every server is healthy. An update that a policy
 * refuses changes nothing. One that fails, its smoke gate included, goes back to the last version that passed;
 * `--no-rollback` leaves things as they are.
 */
import { ensureGatewayPort } from "./lib/deploy.ts";
import type { EstateOutputs } from "./lib/estate.ts";
import { finishDeployment } from "./lib/finish.ts";
import { duration } from "./lib/log.ts";
import { main } from "./lib/main.ts";
import { refusedByPolicy } from "./lib/policies/check.ts";
import { policyArgs } from "./lib/policies/pack.ts";
import { recover } from "./lib/rollback/recover.ts";
import { withStack } from "./lib/settings/withStack.ts";
import { stackArgs } from "./lib/stackHosts.ts";
import { runUpdate } from "./lib/update.ts";

await main(async () => {
  const started = Date.now();
  const { stack, flags, rest } = stackArgs(process.argv.slice(2), ["yes", "no-rollback"]);
  // On a terminal the engine shows its preview and asks; elsewhere there is nobody to ask.
  const unasked = flags.has("yes") || !process.stdin.isTTY ? ["--yes", "--skip-preview"] : [];
  return withStack({ stack, flags }, async ({ prepared, stackFile, configFile, args }) => {
    await ensureGatewayPort(stackFile, stack);
    const policy = await policyArgs(stack);
    if (await refusedByPolicy(prepared, stack, [...args, ...policy, ...rest])) return 1;
    const result = await runUpdate(prepared, { stack, configFile, args: [...unasked, ...policy, ...rest] });
    if (result.code !== 0) {
      if (!flags.has("no-rollback")) await recover(prepared, stack, result);
      return result.code;
    }
    const outputs = await finishDeployment(prepared, stack);
    if (outputs !== undefined) {
      process.stdout.write(`\n${howToGoOn(stack, outputs)}\n`);
      process.stdout.write(`\nUp and healthy after ${duration(Date.now() - started)}.\n`);
    }
    return 0;
  });
});

function howToGoOn(stack: string, { gatewayUrl }: EstateOutputs): string {
  const option = stack === "dev" ? "" : ` -- --stack ${stack}`;
  return [
    `TOKEN=$(npm run -s pulumi -- stack output gatewayToken --show-secrets --stack ${stack})`,
    `curl -H "Authorization: Bearer $TOKEN" ${gatewayUrl}/servers`,
    `MCP clients connect to ${gatewayUrl}/mcp with the same header; "npm run down${option}" ends it all.`,
  ].join("\n");
}
