import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type Docker from "dockerode";
import { consent } from "../ask.ts";
import { dockerClient, ensureDocker } from "../docker.ts";
import { stateFolder } from "../environment.ts";
import type { Environment } from "../exec.ts";
import { ownerOf, type Owner } from "../leftOvers.ts";
import { sayer, type Say } from "../log.ts";
import { projectDir } from "../paths.ts";
import { declaredVolumes } from "../services.ts";
import { requireStackFile } from "../stackFile.ts";
import { UserError } from "../userError.ts";
import type { DataVolume } from "./dataVolumes.ts";
import { backupsDir } from "./store.ts";

/** What every command on volumes needs. None of them needs the engine. */
export interface VolumeCommand {
  docker: Docker;
  owner: Owner;
  /** Folder of all backups. */
  root: string;
  say: Say;
  /** Number of the stack's last update, where its state is on this machine. */
  update: number | undefined;
  /** Volumes that the settings of services name. */
  declared: readonly DataVolume[];
}

/** Verified backups of a volume that stay. */
export const KEPT_BACKUPS = 7;

/** @throws UserError when there is no such stack or no Docker. */
export async function volumeCommand(stack: string, to?: string): Promise<VolumeCommand> {
  const stackFile = requireStackFile(projectDir, stack);
  const owner = ownerOf(projectDir, stack);
  const say = sayer("backup");
  await ensureDocker({ say: sayer("docker"), consent: consent(false) });
  return {
    docker: dockerClient(),
    owner,
    root: backupsDir(to),
    say,
    update: lastUpdate(owner),
    declared: declaredVolumes(stackFile, owner),
  };
}

/** Counts the history that the engine keeps beside the state. */
function lastUpdate({ estate, stack }: Owner, env: Environment = process.env): number | undefined {
  const url = env["PULUMI_BACKEND_URL"] || (env["PULUMI_ACCESS_TOKEN"] ? "" : pathToFileURL(projectDir).href);
  const state = stateFolder({ ...env, PULUMI_BACKEND_URL: url });
  const history = join(state ?? "", "history", estate, stack);
  if (state === undefined || !existsSync(history)) return undefined;
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
