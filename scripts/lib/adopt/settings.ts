import { readFileSync, writeFileSync } from "node:fs";
import { parseDocument } from "yaml";
import { capture } from "../exec.ts";
import { projectDir } from "../paths.ts";
import type { Prepared } from "../prepare.ts";
import { setting, type StackFile } from "../stackFile.ts";
import { UserError } from "../userError.ts";

const SERVICES = "mcp-estate:services";
const NETWORKS = "mcp-estate:networks";

export interface NewEntries {
  services: Record<string, Record<string, unknown>>;
  networks: Readonly<Record<string, Record<string, unknown>>>;
  /** Service → variable → value. */
  secretEnv: Record<string, Readonly<Record<string, string>>>;
}

/** True when a server, a service or the estate itself has this name. */
export function isTaken(stackFile: StackFile, name: string): boolean {
  const servers = Object.keys(setting(stackFile, "mcp-estate:servers") ?? {});
  return name === "gateway" || servers.includes(name);
}

/**
 * Writes entries into the stack's file, its comments kept; what is secret is encrypted by the engine. When that fails the
 * file is as it was.
 * @throws UserError with the engine's reason.
 */
export async function writeEntries(
  prepared: Prepared,
  stack: string,
  { file }: StackFile,
  entries: NewEntries,
): Promise<void> {
  const before = readFileSync(file, "utf8");
  try {
    const document = parseDocument(before);
    for (const [key, entry] of Object.entries(entries.networks)) document.setIn(["config", NETWORKS, key], entry);
    for (const [key, entry] of Object.entries(entries.services)) document.setIn(["config", SERVICES, key], entry);
    writeFileSync(file, document.toString({ lineWidth: 120 }));
    for (const [service, variables] of Object.entries(entries.secretEnv)) {
      for (const [variable, value] of Object.entries(variables)) {
        await setSecret(
          prepared,
          stack,
          `${SERVICES}[${JSON.stringify(service)}].secretEnv[${JSON.stringify(variable)}]`,
          value,
        );
      }
    }
  } catch (error) {
    writeFileSync(file, before);
    throw error;
  }
}

/** Over standard input: a command line can be read by everybody on the machine. */
async function setSecret({ engine, env }: Prepared, stack: string, path: string, value: string): Promise<void> {
  const args = ["config", "set", "--secret", "--path", "--stack", stack, "--non-interactive", path];
  // The engine takes one line end off.
  const { code, stderr } = await capture(engine.file, args, { cwd: projectDir, env, input: `${value}\n` });
  if (code !== 0) throw new UserError(`${path} cannot be encrypted: ${stderr.trim()}`);
}
