import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { places } from "../places.ts";

/** One change of the program's text, for what no setting changes. */
interface ProgramEdit {
  file: string;
  from: string;
  to: string;
}

const TARGET = "components/targets/docker.ts";
const TARGET_ARGS = "components/targets/dockerArgs.ts";
const SERVER = "components/mcpServer.ts";
const GATEWAY = "components/gateway.ts";
const RECIPE = "components/imageRecipe.ts";

/** Every constant of the program that a container, network, volume or image is made of, changed. */
const EDITS: readonly ProgramEdit[] = [
  { file: TARGET, from: "hostname: spec.hostname", to: "hostname: `${spec.hostname}-changed`" },
  { file: "components/naming.ts", from: "FIRST_UID = 100_000", to: "FIRST_UID = 200_000" },
  { file: TARGET, from: 'restart: "unless-stopped"', to: 'restart: "always"' },
  { file: TARGET, from: "readOnly: true", to: "readOnly: false" },
  { file: TARGET, from: 'capabilities: { drops: ["ALL"] }', to: 'capabilities: { adds: ["CHOWN"], drops: ["ALL"] }' },
  { file: TARGET, from: '["no-new-privileges", ', to: '["no-new-privileges:false", ' },
  { file: TARGET, from: 'NO_NAME_SERVER = "127.0.0.1"', to: 'NO_NAME_SERVER = "127.0.0.2"' },
  { file: TARGET, from: '"timeout:1"', to: '"timeout:2"' },
  { file: TARGET_ARGS, from: 'logDriver: "json-file"', to: 'logDriver: "local"' },
  { file: TARGET_ARGS, from: '"max-size": "10m"', to: '"max-size": "5m"' },
  { file: TARGET, from: 'internal: spec.kind === "internal"', to: "internal: false" },
  {
    file: TARGET,
    from: '? { "com.docker.network.bridge.inhibit_ipv4": "true" } : {}',
    to: '? {} : { "com.docker.network.container_iface_prefix": "changed" }',
  },
  {
    file: "components/naming.ts",
    from: "{ label: LABEL_STACK",
    to: '{ label: "changed", value: "yes" },\n    { label: LABEL_STACK',
  },
  { file: SERVER, from: "aliases: [instance]", to: 'aliases: [instance, "changed"]' },
  { file: SERVER, from: "SCRATCH_MIB = 64", to: "SCRATCH_MIB = 48" },
  { file: SERVER, from: "CALL_TIMEOUT_SECONDS = 29", to: "CALL_TIMEOUT_SECONDS = 28" },
  { file: SERVER, from: 'cwd: entry.cwd ?? "/app"', to: 'cwd: "/opt"' },
  { file: GATEWAY, from: "HEALTH_INTERVAL_SECONDS = 2", to: "HEALTH_INTERVAL_SECONDS = 1" },
  { file: "components/gatewayTokens.ts", from: "TOKEN_LENGTH = 48", to: "TOKEN_LENGTH = 40" },
  { file: GATEWAY, from: 'TOKENS_FILE = "gateway-tokens.json"', to: 'TOKENS_FILE = "changed-tokens.json"' },
  { file: GATEWAY, from: 'SESSION_KEY_FILE = "session-key"', to: 'SESSION_KEY_FILE = "changed-key"' },
  { file: "components/readinessProbe.ts", from: "START_SECONDS = 30", to: "START_SECONDS = 20" },
  { file: "components/readinessProbe.ts", from: '"-fsS"', to: '"-fsSL"' },
  {
    file: "components/catalogue/memory.ts",
    from: '{ name: "data", path: "/data" }',
    to: '{ name: "graph", path: "/state" }',
  },
  { file: "components/catalogue/memory.ts", from: '"/data/memory.jsonl"', to: '"/state/memory.jsonl"' },
  { file: "components/catalogue/memory.ts", from: '"mcp-estate-proof"', to: '"changed"' },
  { file: RECIPE, from: 'program === "supervisor" ? "/app"', to: 'program === "supervisor" ? "/opt"' },
  {
    file: RECIPE,
    from: '      entrypoint: [init, "--", ...node,',
    to: '      env: ["CHANGED=yes"],\n      entrypoint: [init, "-v", "--", ...node,',
  },
  {
    file: "components/builtImage.ts",
    from: "[LABEL_STACK]: owner.stack }",
    to: '[LABEL_STACK]: owner.stack, "image-changed": "yes" }',
  },
  {
    file: "components/providers/images/assemble.ts",
    from: "config.entrypoint ? []",
    // For the estate's own programs, which the edit above gives an environment: another's would not start with it.
    to: 'config.entrypoint ? config.env ? ["--port=8000"] : []',
  },
];

/** A network driver that a Docker outside a swarm refuses. */
export const FOREIGN_DRIVER: readonly ProgramEdit[] = [
  {
    file: TARGET,
    from: '{\n        driver: "bridge"',
    to: '{\n        driver: spec.component === "notes" ? "overlay" : "bridge"',
  },
];

/** Changes a copy of the program. @throws AssertionError when its text is no longer what is changed here. */
export function changeProgram(folder: string, edits: readonly ProgramEdit[] = EDITS): void {
  for (const { file, from, to } of edits) {
    const path = join(folder, file);
    const text = readFileSync(path, "utf8");
    assert.equal(text.split(from).length, 2, `${file} has once: ${from}`);
    writeFileSync(
      path,
      text.replace(from, () => to),
    );
  }
}

/** What stands in the stack's settings, changed; the keys are those of `Pulumi.STACK.yaml`. */
export const CHANGED_SETTINGS = {
  "mcp-estate:network": { range: places["cov moved"].range },
  "mcp-estate:gateway": { port: places["cov moved"].port, bind: "127.0.0.2" },
  "mcp-estate:health": { intervalSeconds: 7, timeoutSeconds: 4, failures: 5 },
  "mcp-estate:servers": {
    memory: {
      limits: {
        memoryMiB: 300,
        memoryReservationMiB: 100,
        cpus: 0.5,
        pids: 40,
        processes: 12,
        nofile: { soft: 1100, hard: 2100 },
        nproc: 120,
      },
      args: ["--changed"],
      env: { CHANGED: "yes" },
    },
    notes: { from: "memory", sharing: "isolated" },
  },
};
