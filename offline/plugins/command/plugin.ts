/** Stands in for the official command plugin: commands on the machine that deploys, and on others over ssh. */
import { copyToRemote } from "./copyToRemote.ts";
import { localCommand, runOnce } from "./localCommand.ts";
import { remoteCommand } from "./remoteCommand.ts";
import type { Plugin } from "../resourceType.ts";

export const commandPlugin: Plugin = {
  name: "command",
  version: "1.2.1",
  types: {
    "command:local:Command": localCommand,
    "command:remote:Command": remoteCommand,
    "command:remote:CopyToRemote": copyToRemote,
  },
  functions: { "command:local:run": runOnce },
};
