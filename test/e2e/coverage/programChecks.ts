import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type Docker from "dockerode";
import { observedFacts, type ContainerFacts } from "../../../components/providers/containerFacts.ts";
import { places } from "../places.ts";
import type { TestEstate } from "../testEstate.ts";
import { readKernelLimits } from "../../../components/providers/kernelLimits.ts";

const MIB = 1024 * 1024;

/** A look at a running container: facts as Docker has them, and the process as the kernel has it. */
export interface Look {
  info: Docker.ContainerInspectInfo;
  facts: ContainerFacts;
  /** `/proc/PID/status`, field → value. */
  status: ReadonlyMap<string, string>;
  /** `/proc/PID/mounts`: mount point → options. */
  mounts: ReadonlyMap<string, string>;
  /** Interfaces that the container sees. */
  interfaces: readonly string[];
}

export async function lookAt(container: Docker.Container): Promise<Look> {
  const info = await container.inspect();
  const read = (file: string) => readFileSync(`/proc/${info.State.Pid}/${file}`, "utf8").trim().split("\n");
  return {
    info,
    facts: observedFacts(info),
    status: new Map(read("status").map((line) => [line.split(":\t")[0] ?? "", line.split(":\t")[1] ?? ""])),
    mounts: new Map(read("mounts").map((line) => [line.split(" ")[1] ?? "", line.split(" ")[3] ?? ""])),
    interfaces: read("net/dev")
      .slice(2)
      .map((line) => line.split(":")[0]?.trim() ?? ""),
  };
}

/** Row of the coverage table → what the memory server's container must be like after `changeProgram` and the settings. */
export const SERVER_CHECKS: Readonly<Record<string, (look: Look) => void | Promise<void>>> = {
  "container.hostname": ({ facts }) => assert.equal(facts["hostname"], "memory-changed"),
  "container.user": ({ info, status }) => {
    const [uid = "", gid = ""] = info.Config.User.split(":");
    assert.equal(gid, uid);
    assert.deepEqual([status.get("Uid")?.split("\t")[0], status.get("Gid")?.split("\t")[0]], [uid, gid]);
  },
  "container.restart": ({ facts }) => assert.equal(facts["restart"], "always"),
  "container.memory": async ({ info }) => assert.equal((await readKernelLimits(info.State.Pid)).memoryBytes, 300 * MIB),
  "container.memorySwap": ({ facts }) => assert.equal(facts["memorySwap"], 300),
  "container.memoryReservation": ({ facts }) => assert.equal(facts["memoryReservation"], 100),
  "container.cpus": async ({ info }) => assert.equal((await readKernelLimits(info.State.Pid)).cpus, 0.5),
  "container.pids": async ({ info }) => assert.equal((await readKernelLimits(info.State.Pid)).pids, 40),
  "container.ulimits.nofile": async ({ info }) =>
    assert.deepEqual((await readKernelLimits(info.State.Pid)).nofile, { soft: 1100, hard: 2100 }),
  "container.ulimits.nproc": async ({ info }) => assert.equal((await readKernelLimits(info.State.Pid)).nproc, 120),
  "container.readOnly": ({ mounts }) => assert.match(mounts.get("/") ?? "", /^rw,/),
  // CAP_CHOWN is bit 0.
  "container.capabilities": ({ status }) => assert.equal(BigInt(`0x${status.get("CapBnd")}`), 1n),
  "container.securityOpts": ({ status }) => assert.equal(status.get("NoNewPrivs"), "0"),
  "container.dns": ({ facts }) => assert.deepEqual(facts["dns"], ["127.0.0.2"]),
  "container.dnsOpts": ({ facts }) => assert.deepEqual(facts["dnsOpts"], ["attempts:1", "timeout:2"]),
  "container.tmpfs": ({ mounts }) => assert.match(mounts.get("/tmp") ?? "", /size=49152k/),
  "container.networksAdvanced.aliases": ({ facts }) =>
    assert.match(String(facts["networksAdvanced"]), /memory-[0-9a-f]{7} as changed, memory, memory-changed$/),
  "container.networksAdvanced.name": ({ info }) => assert.equal(Object.keys(info.NetworkSettings.Networks).length, 1),
  "container.volumes": ({ mounts, facts }) => {
    assert.ok(mounts.has("/state"));
    assert.match(String(facts["volumes"]), /memory-graph:\/state:rw/);
  },
  "container.healthcheck.tests": ({ facts }) => assert.match(String(facts["healthcheck"]), /-fsSL/),
  "container.healthcheck.interval": ({ info }) => assert.equal(info.Config.Healthcheck?.Interval, 7e9),
  "container.healthcheck.timeout": ({ info }) => assert.equal(info.Config.Healthcheck?.Timeout, 4e9),
  "container.healthcheck.retries": ({ info }) => assert.equal(info.Config.Healthcheck?.Retries, 5),
  "container.healthcheck.startPeriod": ({ info }) => assert.equal(info.Config.Healthcheck?.StartPeriod, 20e9),
  "container.logDriver": ({ facts }) => assert.equal(facts["logDriver"], "local"),
  "container.logOpts": ({ facts }) => assert.deepEqual(facts["logOpts"], ["max-file=3", "max-size=5m"]),
  "container.labels": ({ info }) => assert.equal(info.Config.Labels["changed"], "yes"),
  "container.envs": ({ info }) =>
    assert.match(readFileSync(`/proc/${info.State.Pid}/environ`, "utf8"), /(^|\0)CHANGED=yes\0/),
  "container.entrypoints": ({ info }) => assert.match(commandLine(info), /^\/usr\/bin\/tini\0-v\0/),
  "container.command": ({ info }) => assert.match(commandLine(info), /\0--port=8000\0$/),
  "container.workingDir": ({ facts }) => assert.equal(facts["workingDir"], "/opt"),
  "container.state": ({ info }) => assert.equal(info.State.Status, "running"),
};

/** The same of the edge's container. */
export const EDGE_CHECKS: typeof SERVER_CHECKS = {
  "container.ports": ({ info }) =>
    assert.deepEqual(info.NetworkSettings.Ports["8000/tcp"], [
      { HostIp: "127.0.0.2", HostPort: String(places["cov moved"].port) },
    ]),
  "network.options": ({ interfaces }) => assert.ok(interfaces.some((name) => name.startsWith("changed"))),
};

function commandLine({ State }: Docker.ContainerInspectInfo): string {
  return readFileSync(`/proc/${State.Pid}/cmdline`, "utf8");
}

/** A network that is no longer internal, with the changed label, in the changed range. */
export function checkNetwork(network: Docker.NetworkInspectInfo | undefined): void {
  assert.ok(network);
  assert.equal(network.Internal, false);
  assert.equal(network.Labels?.["changed"], "yes");
  const { Subnet = "", Gateway } = network.IPAM?.Config?.[0] ?? {};
  const [, , third = 0, fourth = 0] = Subnet.split(/[./]/).map(Number);
  assert.ok(Subnet.startsWith("10.212.") && third >= 128, Subnet);
  assert.equal(Gateway, `10.212.${third}.${fourth + 1}`);
}

interface Exported {
  deployment: { resources: Array<{ type: string; urn: string; inputs?: { contract?: string } }> };
}

/** Component → contract, as the program gave it to the engine. */
export async function declaredContracts(estate: TestEstate): Promise<Record<string, unknown>> {
  const { stdout } = await estate.pulumi("stack", "export");
  const { resources } = (JSON.parse(stdout) as Exported).deployment;
  return Object.fromEntries(
    resources
      .filter(({ type }) => type.endsWith(":SecretFiles"))
      .map(({ urn, inputs }) => [urn.split("::").at(-1), JSON.parse(inputs?.contract ?? "") as unknown]),
  ) as Record<string, unknown>;
}

/** The contract in a container's own volume. */
export function readContract(folder: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(folder, "contract.json"), "utf8")) as Record<string, unknown>;
}
