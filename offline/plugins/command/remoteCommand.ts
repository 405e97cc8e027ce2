import { isMap, type Value, type ValueMap } from "../values.ts";
import { commandResource, COMMON_INPUTS } from "./commandResource.ts";
import type { CommandOutput } from "./execute.ts";
import { runOver } from "./ssh.ts";
import { connectionFault, type Connection } from "./sshConnection.ts";

/** command:remote:Command. What it prints is secret as soon as one of its inputs is; the way there always is. */
export const remoteCommand = commandResource({
  inputs: { ...COMMON_INPUTS, connection: (value: Value) => connectionFault(value) },
  revealed: ["create", "update", "environment", "stdin", "triggers", "connection"],
  execute: (command, inputs, previous, context) =>
    runOver(inputs["connection"] as unknown as Connection, {
      command,
      stdin: typeof inputs["stdin"] === "string" ? inputs["stdin"] : "",
      environment: environmentOf(inputs, previous),
      logging: typeof inputs["logging"] === "string" ? inputs["logging"] : "stdoutAndStderr",
      context,
    }),
});

/** The other side's sshd must accept these (AcceptEnv); it says nothing of what it does not. */
function environmentOf(inputs: ValueMap, previous: CommandOutput | undefined): Record<string, string> {
  const own = isMap(inputs["environment"]) ? (inputs["environment"] as Record<string, string>) : {};
  if (previous === undefined || inputs["addPreviousOutputInEnv"] === false) return own;
  return { PULUMI_COMMAND_STDOUT: previous.stdout, PULUMI_COMMAND_STDERR: previous.stderr, ...own };
}
