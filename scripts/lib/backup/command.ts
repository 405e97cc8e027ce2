import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type Docker from "dockerode";
import { consent } from "../ask.ts";
import { dockerClient, ensureDocker } from "../docker.ts";
import { ownerOf, type Owner } from "../leftOvers.ts";
import { sayer, type Say } from "../log.ts";
import { projectDir } from "../paths.ts";
import { declaredVolumes } from "../services.ts";
import { requireStackFile } from "../stackFile.ts";
import { UserError } from "../userError.ts";
import type { DataVolume } from "./dataVolumes.ts";
import { statePlace } from "./stateFiles.ts";
import { backupsDir } from "./store.ts";

/** What every command on backups needs. None of them needs the engine. */
export interface BackupCommand {
  owner: Owner;
  /** Folder of all backups. */
  root: string;
  say: Say;
  /** Number of the stack's last update, where its state is on this machine. */
  update: number | undefined;
}

/** What every command on volumes needs. */
export interface VolumeCommand extends BackupCommand {
  docker: Docker;
  /** Volumes that the settings of services name. */
  declared: readonly DataVolume[];
}

/** Verified backups of a volume that stay. */
export const KEPT_BACKUPS = 7;

/** For the state alone: needs neither Docker nor a stack file. */
export function backupCommand(stack: string, to?: string): BackupCommand {
  const owner = ownerOf(projectDir, stack);
  return { owner, root: backupsDir(to), say: sayer("backup"), update: lastUpdate(owner) };
}

/**
 * @param options.stackFile in the place of the stack's own, with what its environments give.
 * @throws UserError when there is no such stack or no Docker.
 */
export async function volumeCommand(
  stack: string,
  options: { to?: string | undefined; stackFile?: string | undefined } = {},
): Promise<VolumeCommand> {
  const { to } = options;
  const stackFile = requireStackFile(projectDir, stack, options.stackFile);
  const command = backupCommand(stack, to);
  await ensureDocker({ say: sayer("docker"), consent: consent(false) });
  return {
    ...command,
    docker: dockerClient(),
    declared: declaredVolumes(stackFile, command.owner),
  };
}

/** Counts the history that the engine keeps beside the state. */
function lastUpdate(owner: Owner): number | undefined {
  const { folder } = statePlace(owner, projectDir);
  const history = join(folder ?? "", "history", owner.estate, owner.stack);
  if (folder === undefined || !existsSync(history)) return undefined;
  return readdirSync(history).filter((name) => name.endsWith(".history.json")).length;
}

/** @throws UserError for anything but a whole number from 1. */
export function keepOf(text: string | undefined): number {
  if (text === undefined) return KEPT_BACKUPS;
  const keep = Number(text);
  if (!Number.isInteger(keep) || keep < 1)
    throw new UserError(`--keep got "${text}"; allowed is a whole number from 1`);
  return keep;
}
