import type Docker from "dockerode";
import { capture } from "./exec.ts";
import { isOf, type Owner } from "./leftOvers.ts";
import { projectDir } from "./paths.ts";
import type { Prepared } from "./prepare.ts";
import { UserError } from "./userError.ts";

/** A network of the stack that somebody else is on. */
export interface NetworkInUse {
  key: string;
  dockerName: string;
  /** Name of one container there that is not the stack's. */
  user: string;
}

/** @param networks key in the settings → name in Docker. */
export async function networksInUse(
  docker: Docker,
  owner: Owner,
  networks: Readonly<Record<string, string>>,
): Promise<NetworkInUse[]> {
  const containers = await docker.listContainers({ all: true });
  return Object.entries(networks).flatMap(([key, dockerName]) => {
    const user = containers.find(
      ({ Labels, NetworkSettings }) => dockerName in NetworkSettings.Networks && !isOf(owner, Labels),
    );
    return user ? [{ key, dockerName, user: user.Names[0]?.slice(1) ?? user.Id }] : [];
  });
}

/** The urn of a network that services share, as the program makes it. */
export function networkUrn({ estate, stack }: Owner, key: string): string {
  const type = "mcp:index:SharedNetwork$docker:index/network:Network";
  return `urn:pulumi:${stack}::${estate}::${type}::${estate}-${stack}-${key}`;
}

/**
 * Keeps networks from the next destroy: it leaves out what is protected. The next update takes the protection off.
 * @throws UserError with the engine's reason.
 */
export async function protectNetworks(
  { engine, env }: Prepared,
  stack: string,
  owner: Owner,
  networks: readonly NetworkInUse[],
): Promise<void> {
  if (networks.length === 0) return;
  const urns = networks.map(({ key }) => networkUrn(owner, key));
  const args = ["state", "protect", "--yes", "--stack", stack, ...urns];
  const { code, stderr } = await capture(engine.file, args, { cwd: projectDir, env });
  if (code !== 0) throw new UserError(`networks that others use cannot be kept: ${stderr.trim()}`);
}
