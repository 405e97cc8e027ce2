import { deepEqual, equal, match } from "node:assert/strict";
import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import type { GatewayContract } from "../../../runtime/contract/index.ts";
import { addressIn } from "../../../runtime/gateway/addresses.ts";
import { serverOf, TOKENS, TOKENS_FILE, writeTokens } from "../gatewaySupport.ts";
import { contractOf, fixture, LIMITS, ROOT, startSupervisor, until } from "../support.ts";

/** An address of this machine that is not its loopback; the whole 127.0.0.0/8 would do as well where there is none. */
const OUTSIDE = Object.values(networkInterfaces())
  .flatMap((found) => found ?? [])
  .find(({ family, internal }) => family === "IPv4" && !internal)?.address;

async function freePort(): Promise<number> {
  const probe = createServer().listen(0);
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  return port;
}

describe("gateway program behind a proxy", () => {
  const folder = mkdtempSync(join(tmpdir(), "gateway-program-"));
  const contractFile = join(folder, "contract.json");
  const address = OUTSIDE ?? "127.0.0.2";
  let program: ChildProcessByStdio<null, Readable, null> | undefined;
  let output = "";
  let port = 0;

  function writeContract(contract: Partial<GatewayContract>): void {
    const whole: GatewayContract = {
      version: 1,
      estate: "test",
      stack: "dev",
      limits: LIMITS,
      servers: [],
      tokensFile: TOKENS_FILE,
      callTimeoutSeconds: 5,
      healthIntervalSeconds: 0.1,
      ...contract,
    };
    writeFileSync(contractFile, JSON.stringify(whole));
  }

  async function start(contract: Partial<GatewayContract>): Promise<void> {
    writeTokens(folder, TOKENS);
    port = await freePort();
    writeContract(contract);
    output = "";
    const main = join(ROOT, "runtime/gateway/main.ts");
    program = spawn(process.execPath, [main, contractFile, "--port", String(port), "--secrets", folder], {
      stdio: ["ignore", "pipe", "ignore"],
      env: { PATH: process.env["PATH"] },
    });
    program.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  }

  /** HTTP status, or why there is none. */
  async function ask(host: string, path: string): Promise<number | string> {
    try {
      return (await fetch(`http://${host}:${port}${path}`, { headers: { connection: "close" } })).status;
    } catch (error) {
      return ((error as Error).cause as NodeJS.ErrnoException).code ?? String(error);
    }
  }

  afterEach(async () => {
    if (!program || program.exitCode !== null || program.signalCode !== null) return;
    program.kill("SIGKILL");
    await once(program, "exit");
  });
  after(() => rmSync(folder, { recursive: true }));

  it("R-DEP-02: is closed to the proxy, not to its own probes, until it has word of every server", async () => {
    const supervisor = await startSupervisor(contractOf(fixture("good")));
    const silent = `http://127.0.0.1:${await freePort()}`;
    const proxied = { proxy: { subnet: `${address}/32`, gatewayName: "gateway.invalid" } };
    const servers = [serverOf("one", [supervisor.url]), serverOf("two", [silent])];
    await start({ ...proxied, servers });
    await until(
      () => output.includes("listening"),
      10_000,
      () => output,
    );
    equal(await ask("127.0.0.1", "/ready"), 503);
    equal(await ask(address, "/ready"), "ECONNREFUSED");
    writeContract({ ...proxied, servers: servers.slice(0, 1) });
    program?.kill("SIGHUP");
    await until(
      async () => (await ask(address, "/ready")) === 200,
      10_000,
      () => output,
    );
    await until(
      async () => (await ask("127.0.0.1", "/ready")) === 200,
      10_000,
      () => output,
    );
    await supervisor.stop();
  });

  it("says which network it has no address on, and ends", async () => {
    await start({ proxy: { subnet: "198.51.100.0/29", gatewayName: "gateway.invalid" } });
    const [code] = (await once(program ?? process, "exit")) as [number];
    equal(code, 1);
    match(output, /no address of this container is in 198\.51\.100\.0\/29, the network of its proxy/);
  });

  it("addressIn: the IPv4 address in a block, of any interface", () => {
    const one = (address: string, family: "IPv4" | "IPv6") =>
      ({ address, family, netmask: "", mac: "", internal: false, cidr: null, scopeid: 0 }) as const;
    const interfaces = {
      lo: [one("127.0.0.1", "IPv4")],
      eth0: [one("fe80::1", "IPv6"), one("10.1.0.2", "IPv4")],
      eth1: [one("10.1.0.10", "IPv4")],
    } as unknown as ReturnType<typeof networkInterfaces>;
    const found = ["10.1.0.8/29", "10.1.0.0/29", "10.2.0.0/29"].map((block) => addressIn(block, interfaces));
    deepEqual(found, ["10.1.0.10", "10.1.0.2", undefined]);
  });
});
