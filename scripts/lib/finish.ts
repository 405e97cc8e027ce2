import { estateTable, readOutputs, waitUntilHealthy, type EstateOutputs } from "./estate.ts";
import { sayer } from "./log.ts";
import { projectDir } from "./paths.ts";
import type { Prepared } from "./prepare.ts";

/**
 * Waits until all that was deployed is healthy and shows it.
 * @returns the stack's outputs; undefined when it has no gateway.
 * @throws UserError when it does not become healthy.
 */
export async function finishDeployment(prepared: Prepared, stack: string): Promise<EstateOutputs | undefined> {
  const outputs = await readOutputs(prepared, projectDir, stack);
  if (outputs === undefined) {
    sayer("health")("the stack has no gatewayUrl and gatewayToken in its outputs: nothing to wait for");
    return undefined;
  }
  const states = await waitUntilHealthy(outputs, { say: sayer("health") });
  process.stdout.write(`\n${estateTable(outputs, states)}\n`);
  return outputs;
}
