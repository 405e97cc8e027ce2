/** `npm run up`: brings what is missing, deploys the stack, returns when every server is healthy. */
import { parseArgs } from "./lib/args.ts";
import { volumeCommand } from "./lib/backup/command.ts";
import { guardVolumes } from "./lib/backup/guard.ts";
import { withVolumes } from "./lib/backup/mend.ts";
import { ensureGatewayPort, getReady } from "./lib/deploy.ts";
import { estateTable, readOutputs, waitUntilHealthy, type EstateOutputs } from "./lib/estate.ts";
import { runAttached } from "./lib/exec.ts";
import { duration, sayer } from "./lib/log.ts";
import { main } from "./lib/main.ts";
import { projectDir } from "./lib/paths.ts";

await main(async () => {
  const started = Date.now();
  const { stack, flags, rest } = parseArgs(process.argv.slice(2), ["yes"]);
  const ready = await getReady({ stack, flags });
  await ensureGatewayPort(stack);

  // On a terminal the engine shows its preview and asks; elsewhere there is nobody to ask.
  const unasked = flags.has("yes") || !process.stdin.isTTY ? ["--yes", "--skip-preview"] : [];
  // The table at the end says what the outputs say, in six lines instead of a hundred.
  const args = ["up", "--stack", stack, "--suppress-outputs", ...unasked, ...rest];
  const command = await volumeCommand(stack);
  const code = await withVolumes(command, async (signal) => {
    const remember = await guardVolumes({ ...command, signal }, ready, stack);
    const exitCode = await runAttached(ready.engine.file, args, { cwd: projectDir, env: ready.env });
    if (exitCode === 0) remember();
    return exitCode;
  });
  if (code !== 0) return code;

  const outputs = await readOutputs(ready, projectDir, stack);
  if (outputs === undefined) {
    sayer("health")("the stack has no gatewayUrl and gatewayToken in its outputs: nothing to wait for");
    return 0;
  }
  const states = await waitUntilHealthy(outputs, { say: sayer("health") });
  process.stdout.write(`\n${estateTable(outputs, states)}\n\n${howToGoOn(stack, outputs)}\n`);
  process.stdout.write(`\nUp and healthy after ${duration(Date.now() - started)}.\n`);
  return 0;
});

function howToGoOn(stack: string, { gatewayUrl }: EstateOutputs): string {
  const option = stack === "dev" ? "" : ` -- --stack ${stack}`;
  return [
    `TOKEN=$(npm run -s pulumi -- stack output gatewayToken --show-secrets --stack ${stack})`,
    `curl -H "Authorization: Bearer $TOKEN" ${gatewayUrl}/servers`,
    `MCP clients connect to ${gatewayUrl}/mcp with the same header; "npm run down${option}" ends it all.`,
  ].join("\n");
}
