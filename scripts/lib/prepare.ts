import { consent as consentOf, type Consent } from "./ask.ts";
import { presentEngine, resolveEngine, type Engine } from "./engine.ts";
import { engineEnvironment } from "./environment.ts";
import type { Environment } from "./exec.ts";
import { sayer } from "./log.ts";
import { cacheDir, projectDir } from "./paths.ts";

/** An engine and the environment to run it in. */
export interface Prepared {
  engine: Engine;
  env: Environment;
}

export interface PrepareOptions {
  stack: string;
  /** @default this project */
  project?: string;
  /** @default process.env */
  env?: Environment;
  /** @default "fail" */
  onMissingPassphrase?: "fail" | "leaveUnset";
  /** Asked before a package of the distribution is installed. @default asks on a terminal */
  consent?: Consent;
}

/**
 * Gets the engine and, where it needs them, the bundled stand-ins of offline/, side by side.
 * @throws UserError when no engine is to be had or the stack's passphrase is missing.
 */
export async function prepareEngine(options: PrepareOptions): Promise<Prepared> {
  const env = options.env ?? process.env;
  const project = options.project ?? projectDir;
  const say = sayer("engine");
  const present = await presentEngine(env, say);
  const [engine, offline] = await Promise.all([
    present ?? resolveEngine({ say, env, consent: options.consent ?? consentOf(false) }),
    present?.official === true ? undefined : bundleOffline(env),
  ]);
  const standIns = engine.official ? undefined : offline;
  return { engine, env: engineEnvironment({ ...options, project, env, engine, offline: standIns }) };
}

async function bundleOffline(env: Environment): Promise<{ binDir: string; env: Record<string, string> }> {
  const { buildOfflinePlugins, offlineEngineEnvironment } = await import("../../offline/build.ts");
  const { binDir } = await buildOfflinePlugins({
    cacheDir: cacheDir(env),
    nodePath: process.execPath,
    onProgress: sayer("plugins"),
  });
  return { binDir, env: offlineEngineEnvironment(binDir) };
}
