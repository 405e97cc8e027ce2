/** Stands in for the official command plugin: commands on the machine that deploys. */
import { localCommand, runOnce } from "./command/localCommand.ts";
import type { Plugin } from "./resourceType.ts";
import { servePlugin } from "./server.ts";

const command: Plugin = {
  name: "command",
  version: "1.2.1",
  types: { "command:local:Command": localCommand },
  functions: { "command:local:run": runOnce },
};

servePlugin(command);
