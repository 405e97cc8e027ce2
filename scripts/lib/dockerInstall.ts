import { spawn } from "node:child_process";
import { existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Consent } from "./ask.ts";
import { capture, findOnPath, type Environment } from "./exec.ts";
import { withFileLock } from "./fileLock.ts";
import { duration, type Say } from "./log.ts";
import { cacheDir } from "./paths.ts";
import { UserError } from "./userError.ts";

/** The process id of a dockerd that was started by hand; undefined when it ran already or a service manager runs it. */
export interface StartedDocker {
  pid: number | undefined;
}

export interface InstallOptions {
  env: Environment;
  say: Say;
  consent: Consent;
  /** What is missing, for the question and for the error. */
  reason: string;
}

/** What the base image is made with where no image registry can be reached. */
const baseImageTool = "mmdebstrap";

/**
 * Installs Docker from the distribution.
 * @throws UserError where that cannot be done: not root, or not Debian or Ubuntu.
 */
export async function installDocker(options: InstallOptions): Promise<void> {
  await aptInstall(["docker.io", "iptables", baseImageTool], options);
}

/** Installs the tool for the base image where it is missing and can be had; without it the base image must be pulled. */
export async function ensureBaseImageTool(options: Omit<InstallOptions, "reason">): Promise<void> {
  if (findOnPath(baseImageTool, options.env["PATH"]) !== undefined || aptFault(options.env) !== undefined) return;
  await aptInstall([baseImageTool], { ...options, reason: `${baseImageTool}, which makes the base image, is missing` });
}

/** @throws UserError when packages cannot be installed here. */
export async function aptInstall(packages: string[], options: InstallOptions): Promise<void> {
  const { env, say, consent, reason } = options;
  const list = packages.join(" ");
  const fault = aptFault(env);
  if (fault !== undefined) throw new UserError(`${reason}, and ${fault}; install ${list} yourself, then try again`);
  await consent(`${reason}: will install ${list} from the distribution (apt-get)`);

  // Neither services nor questions: Docker is started below, in the way that fits this machine.
  const aptEnv = { ...env, DEBIAN_FRONTEND: "noninteractive" };
  await withFileLock(join(cacheDir(env), "apt.lock"), say, async () => {
    const started = Date.now();
    say(`installing ${list}`);
    await apt(["update", "-qq"], aptEnv, list);
    await apt(["install", "-y", "-qq", "--no-install-recommends", ...packages], aptEnv, list);
    say(`installed ${list} in ${duration(Date.now() - started)}`);
  });
}

async function apt(args: string[], env: Environment, list: string): Promise<void> {
  const { code, stderr } = await capture("apt-get", ["-o", "DPkg::Lock::Timeout=120", ...args], { env });
  if (code === 0) return;
  const reason = stderr.trim().split("\n").slice(-2).join(" | ");
  throw new UserError(`apt-get ${args[0] ?? ""} failed (${reason}); install ${list} yourself, then try again`);
}

/** Why packages cannot be installed here, or undefined. */
function aptFault(env: Environment): string | undefined {
  if (findOnPath("apt-get", env["PATH"]) === undefined) return "this is neither Debian nor Ubuntu";
  return process.getuid?.() === 0 ? undefined : "this user may not install it (not root)";
}

export interface StartOptions {
  env: Environment;
  say: Say;
  /** Whether Docker answers now. */
  answers: () => Promise<boolean>;
}

/**
 * Starts the installed Docker, through systemd where that runs, else in the background, and waits until it answers.
 * Its log and process id lie in the cache folder.
 * @throws UserError when this user may not, or it does not answer within 60 s.
 */
export async function startDocker({ env, say, answers }: StartOptions): Promise<StartedDocker> {
  if (process.getuid?.() !== 0) {
    throw new UserError("no Docker answers, and this user may not start it (not root); start Docker, then try again");
  }
  return withFileLock(join(cacheDir(env), "dockerd.lock"), say, async () => {
    if (await answers()) return { pid: undefined }; // another run has started it in the meantime
    const log = join(cacheDir(env), "dockerd.log");
    if (existsSync("/run/systemd/system")) {
      say("starting Docker (systemctl start docker)");
      const { code, stderr } = await capture("systemctl", ["start", "docker"], { env });
      if (code !== 0) throw new UserError(`systemctl start docker failed: ${stderr.trim().split("\n")[0] ?? ""}`);
      await waitFor(answers, () => undefined, "see journalctl -u docker");
      return { pid: undefined };
    }
    say(`starting dockerd in the background (log: ${log})`);
    const pid = spawnDaemon(env, log);
    await waitFor(answers, () => exitOf(pid, log), `see ${log}`);
    return { pid };
  });
}

function spawnDaemon(env: Environment, log: string): number {
  mkdirSync(cacheDir(env), { recursive: true });
  const output = openSync(log, "w");
  // Debian keeps dockerd and iptables in sbin, which a plain user's PATH leaves out.
  const path = `${env["PATH"] ?? ""}:/usr/local/sbin:/usr/sbin:/sbin`;
  const daemon = spawn("dockerd", [], {
    env: { ...env, PATH: path },
    detached: true,
    stdio: ["ignore", output, output],
  });
  daemon.on("error", () => undefined); // said by waitFor: it has no process id then
  daemon.unref();
  const pid = daemon.pid ?? -1;
  writeFileSync(join(cacheDir(env), "dockerd.pid"), `${pid}\n`);
  return pid;
}

async function waitFor(answers: () => Promise<boolean>, fault: () => string | undefined, hint: string): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await answers())) {
    const reason = fault() ?? (Date.now() > deadline ? "does not answer within 60 s" : undefined);
    if (reason !== undefined) throw new UserError(`Docker was started and ${reason}; ${hint}`);
    await sleep(200);
  }
}

function exitOf(pid: number, log: string): string | undefined {
  // A child that has ended but is not yet reaped still counts as alive for a signal 0.
  const state = pid < 0 ? "" : existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, "utf8") : "";
  if (state !== "" && !/\) Z /.test(state)) return undefined;
  const last = readFileSync(log, "utf8").trim().split("\n").at(-1) ?? "";
  return `has ended (${last})`;
}
