import { existsSync, readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { catalogue } from "./components/catalogue/index.ts";
import { ConfigError, resolveEstate, type EstateConfig } from "./components/estateConfig.ts";
import type { Owner } from "./components/naming.ts";
import { hostsFaults, hostsSchema, type HostsConfig } from "./components/hostsConfig.ts";
import { describeIssue } from "./components/settingsFault.ts";
import { isLocal } from "./components/providers/docker.ts";
import { reachSchema, withMachines } from "./components/machineSettings.ts";
import { hostFaults } from "./components/serverMounts.ts";
import { sourceFaults } from "./components/serverSources.ts";
import { programVersion, type ProgramVersion } from "./components/programVersion.ts";

/** Namespace of the settings: of the estate's project, and not of the one that its machines have. */
const ESTATE = "mcp-estate";
/** Names the file in which `npm run hosts` has noted how a stack's machines are reached (scripts/lib/stackHosts.ts). */
const MACHINES = "MCP_ESTATE_HOSTS";

/** Everything the program knows from outside: the stack's settings, checked, and whose objects these are. */
export interface Settings {
  owner: Owner;
  estate: EstateConfig;
  /** What is deployed, for the record. */
  program: ProgramVersion;
}

/**
 * Reads and checks the stack's settings. The one place that touches `pulumi.Config`.
 * @throws pulumi.RunError with one line per fault: key, value given, what is allowed.
 */
export function loadConfig(): Settings {
  const owner = { estate: pulumi.getProject(), stack: pulumi.getStack() };
  const config = new pulumi.Config();
  const raw: Record<string, unknown> = {};
  for (const fullKey of Object.keys(pulumi.runtime.allConfig())) {
    const [namespace, key] = splitKey(fullKey);
    if (namespace === config.name) raw[key] = readValue(config, key);
  }
  try {
    const estate = resolveEstate(withNotedMachines(raw), catalogue, config.name);
    const faults = [
      ...sourceFaults(estate.servers, import.meta.dirname, config.name),
      ...(estate.target === "docker" && isLocal() ? hostFaults(estate.servers, config.name) : []),
    ];
    if (faults.length > 0) throw new ConfigError(faults.join("\n"));
    return { owner, estate, program: programVersion(import.meta.dirname) };
  } catch (error) {
    if (error instanceof ConfigError) {
      throw new pulumi.RunError(
        `the settings of stack "${owner.stack}" (Pulumi.${owner.stack}.yaml) cannot be deployed:\n${error.message}`,
      );
    }
    throw error;
  }
}

/**
 * Reads and checks the machines of a stack (`mcp-estate:hosts`), for the program that launches them.
 * @throws pulumi.RunError with one line per fault.
 */
export function loadHosts(): { owner: Owner; hosts: HostsConfig } {
  const schema = z.strictObject({ hosts: hostsSchema });
  const settings = { hosts: readValue(new pulumi.Config(ESTATE), "hosts") };
  const parsed = schema.safeParse(settings);
  const faults = parsed.success
    ? [...hostsFaults(parsed.data.hosts, ESTATE), ...keyFaults(parsed.data.hosts)]
    : parsed.error.issues.map((issue) => describeIssue(issue, settings, schema, ESTATE));
  if (!parsed.success || faults.length > 0) {
    throw new pulumi.RunError(
      `the machines of stack "${pulumi.getStack()}" cannot be made a swarm:\n${faults.join("\n")}`,
    );
  }
  return { owner: { estate: ESTATE, stack: pulumi.getStack() }, hosts: parsed.data.hosts };
}

function keyFaults({ existing }: HostsConfig): string[] {
  if (existing === undefined || existsSync(existing.keyFile)) return [];
  return [`${ESTATE}:hosts.existing.keyFile: ${existing.keyFile} given; there is no such file`];
}

/** What `npm run hosts` has noted counts where the settings say nothing. */
function withNotedMachines(raw: Record<string, unknown>): Record<string, unknown> {
  const file = process.env[MACHINES];
  return file === undefined ? raw : withMachines(raw, reachSchema.parse(JSON.parse(readFileSync(file, "utf8"))));
}

/** Objects and numbers arrive as JSON, plain text as it is. */
function readValue(config: pulumi.Config, key: string): unknown {
  const text = config.get(key) ?? "";
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function splitKey(fullKey: string): [string, string] {
  const colon = fullKey.indexOf(":");
  return [fullKey.slice(0, colon), fullKey.slice(colon + 1)];
}
