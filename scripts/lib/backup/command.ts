import type Docker from "dockerode";
import { consent } from "../ask.ts";
import { dockerClient, ensureDocker } from "../docker.ts";
import { ownerOf, type Owner } from "../leftOvers.ts";
import { sayer, type Say } from "../log.ts";
import { projectDir } from "../paths.ts";
import { requireStackFile } from "../stackFile.ts";
import { UserError } from "../userError.ts";
import { backupsDir } from "./store.ts";

/** What every command on volumes needs. None of them needs the engine. */
export interface VolumeCommand {
  docker: Docker;
  owner: Owner;
  /** Folder of all backups. */
  root: string;
  say: Say;
}

/** Verified backups of a volume that stay. */
export const KEPT_BACKUPS = 7;

/** @throws UserError when there is no such stack or no Docker. */
export async function volumeCommand(stack: string, to?: string): Promise<VolumeCommand> {
  requireStackFile(projectDir, stack);
  const say = sayer("backup");
  await ensureDocker({ say: sayer("docker"), consent: consent(false) });
  return {
    docker: dockerClient(),
    owner: ownerOf(projectDir, stack),
    root: backupsDir(to),
    say,
  };
}

/** @throws UserError for anything but a whole number from 1. */
export function keepOf(text: string | undefined): number {
  if (text === undefined) return KEPT_BACKUPS;
  const keep = Number(text);
  if (!Number.isInteger(keep) || keep < 1)
    throw new UserError(`--keep got "${text}"; allowed is a whole number from 1`);
  return keep;
}
