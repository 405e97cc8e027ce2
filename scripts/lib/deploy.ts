import { consent as consentOf } from "./ask.ts";
import type { CommandArgs } from "./args.ts";
import { ensureDocker } from "./docker.ts";
import { ensureBaseImageTool, type StartedDocker } from "./dockerInstall.ts";
import { endLeftPlugins } from "./leftPlugins.ts";
import { sayer } from "./log.ts";
import { projectDir } from "./paths.ts";
import { ensurePortIsOurs } from "./ports.ts";
import { prepareEngine, type Prepared } from "./prepare.ts";
import { ensureStack } from "./stack.ts";
import { requireStackFile, setting, type StackFile } from "./stackFile.ts";
import { mendStackLock } from "./stackLock.ts";

/** Everything that an update, a preview or a refresh of a stack needs, in place. */
export interface Ready extends Prepared {
  docker: StartedDocker;
}

/**
 * Gets the engine and Docker side by side, mends or respects the stack's lock, makes the stack.
 * @throws UserError for whatever the user has to decide.
 */
export async function getReady({ stack, flags }: Pick<CommandArgs, "stack" | "flags">): Promise<Ready> {
  requireStackFile(projectDir, stack);
  const consent = consentOf(flags.has("yes"));
  const dockerSay = sayer("docker");
  const [prepared, docker] = await Promise.all([
    prepareEngine({ stack, consent }),
    ensureDocker({ say: dockerSay, consent }),
  ]);
  // Where the official engine could be had, images can be had too.
  if (!prepared.engine.official) await ensureBaseImageTool({ env: prepared.env, say: dockerSay, consent });
  await endLeftPlugins(projectDir, sayer("stack"));
  await mendStackLock(prepared, projectDir, stack, sayer("stack"));
  await ensureStack(prepared, projectDir, stack, sayer("stack"));
  return { ...prepared, docker };
}

/** @throws UserError when the gateway's port is somebody else's. */
export async function ensureGatewayPort(stackFile: StackFile, stack: string): Promise<void> {
  const key = "mcp-estate:gateway.port";
  const port = setting(stackFile, key) ?? 11_000;
  const bind = setting(stackFile, "mcp-estate:gateway.bind") ?? "127.0.0.1";
  // A value of another kind is the program's to refuse, with all other faults of the settings.
  if (typeof port !== "number" || typeof bind !== "string" || port < 1 || port > 65_535) return;
  await ensurePortIsOurs({ port, bind, key, stack: stack.split("/").at(-1) ?? stack });
}
