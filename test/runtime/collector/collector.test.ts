import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { limitClasses } from "../../../components/limitClasses.ts";
import { Collector } from "../../../runtime/collector/collector.ts";
import { ContainerLogs } from "../../../runtime/collector/containerLogs.ts";
import type { CollectorContract } from "../../../runtime/contract/index.ts";
import { createLog } from "../../../runtime/wire/log.ts";
import { DockerStandIn } from "./dockerStandIn.ts";
import { LokiReceiver } from "./lokiReceiver.ts";

const MEMORY = "a".repeat(64);
const OWN = "b".repeat(64);
const at = (second: number, nanoseconds = 0): string =>
  `2026-11-28T12:00:${String(second).padStart(2, "0")}.${String(nanoseconds).padStart(9, "0")}Z`;

describe("the collector of logs (R-MON-07, R-ALR-10)", function () {
  this.timeout(20_000);
  let docker: DockerStandIn;
  let loki: LokiReceiver;
  let url = "";
  let running: Collector[] = [];

  beforeEach(async () => {
    docker = new DockerStandIn();
    await docker.listen();
    loki = new LokiReceiver();
    url = await loki.listen();
    mkdirSync(join(docker.folder, "data"));
  });
  afterEach(async () => {
    for (const collector of running) collector.stop();
    running = [];
    await docker.close();
    await loki.close();
  });

  function start(loki: CollectorContract["loki"] | undefined = { url, login: false }): Collector {
    const contract: CollectorContract = {
      ...{ version: 1, estate: "e", stack: "s", limits: limitClasses.light, canarySeconds: 1 },
      ...(loki ? { loki } : {}),
    };
    const collector = new Collector({
      ...{ contract, logs: new ContainerLogs(docker.socket), log: createLog({}, "silent") },
      ...{ dataDir: join(docker.folder, "data"), secretsDir: docker.folder },
    });
    running.push(collector);
    collector.start();
    return collector;
  }

  async function eventually(check: () => void | Promise<void>): Promise<void> {
    for (let left = 100; ; left--) {
      try {
        return await check();
      } catch (error) {
        if (left === 0) throw error;
      }
      await sleep(100);
    }
  }

  const texts = (): string[] => loki.lines.map(({ text }) => text);
  const metric = async (collector: Collector, pattern: RegExp): Promise<number> =>
    Number(pattern.exec(await collector.metrics.registry.metrics())?.[1]);

  it("delivers every line with Docker's time and whose it is", async () => {
    docker.write(MEMORY, "memory", { at: at(1, 123456789), text: "begins" });
    start();
    await eventually(() => assert.deepEqual(texts(), ["begins"]));
    docker.write(MEMORY, "memory", { at: at(2), text: "goes on" });
    await eventually(() => assert.deepEqual(texts(), ["begins", "goes on"]));
    assert.deepEqual(loki.lines[0], {
      labels: { estate: "e", stack: "s", container: "memory", stream: "stdout" },
      nanoseconds: `${Date.parse("2026-11-28T12:00:01Z") / 1000}123456789`,
      text: "begins",
    });
  });

  it("loses no line and sends none twice while it is away itself", async () => {
    docker.write(MEMORY, "memory", { at: at(1), text: "one" });
    docker.write(MEMORY, "memory", { at: at(1), text: "two, at the same time" });
    const first = start();
    await eventually(() => assert.equal(texts().length, 2));
    // Until it has heard that they are there, it would have to send them again.
    await eventually(async () => assert.equal(await metric(first, /lines_total\{outcome="delivered"\} (\d+)/), 2));
    first.stop();
    docker.write(MEMORY, "memory", { at: at(1), text: "three, at the same time" });
    docker.write(MEMORY, "memory", { at: at(2), text: "four" });
    start();
    await eventually(() =>
      assert.deepEqual(texts(), ["one", "two, at the same time", "three, at the same time", "four"]),
    );
    await sleep(1500);
    assert.equal(texts().length, 4);
  });

  it("goes on where it was when Docker cuts the answer off", async () => {
    docker.write(MEMORY, "memory", { at: at(1), text: "one" });
    start();
    await eventually(() => assert.equal(texts().length, 1));
    docker.cutOff();
    docker.write(MEMORY, "memory", { at: at(2), text: "two" });
    await eventually(() => assert.deepEqual(texts(), ["one", "two"]));
  });

  for (const status of [500, 503, 429, 401, 404]) {
    it(`holds lines back while the store answers with ${status}, and delivers them afterwards`, async () => {
      loki.status = status;
      docker.write(MEMORY, "memory", { at: at(1), text: "patient" });
      const collector = start();
      await eventually(() => assert.ok(loki.headers.length > 1));
      assert.deepEqual(texts(), []);
      loki.status = 204;
      await eventually(() => assert.deepEqual(texts(), ["patient"]));
      assert.equal(await metric(collector, /lines_total\{outcome="refused"\} (\d+)/), 0);
    });
  }

  it("drops what the store will never take, and counts it", async () => {
    loki.status = 400;
    docker.write(MEMORY, "memory", { at: at(1), text: "too old" });
    const collector = start();
    await sleep(2500);
    loki.status = 204;
    docker.write(MEMORY, "memory", { at: at(2), text: "newer" });
    await eventually(() => assert.deepEqual(texts(), ["newer"]));
    assert.equal(await metric(collector, /lines_total\{outcome="refused"\} (\d+)/), 1);
  });

  it("shows its account and tenant, and reads them anew each time", async () => {
    writeFileSync(join(docker.folder, "loki-login"), "writer:first\n");
    start({ url, login: true, tenant: "ours" });
    docker.write(MEMORY, "memory", { at: at(1), text: "one" });
    await eventually(() => assert.equal(texts().length, 1));
    assert.equal(loki.headers[0]?.["x-scope-orgid"], "ours");
    const authorization = (): unknown => loki.headers.at(-1)?.["authorization"];
    await eventually(() => assert.equal(authorization(), `Basic ${Buffer.from("writer:first").toString("base64")}`));
    writeFileSync(join(docker.folder, "loki-login"), "writer:second\n");
    await eventually(() => assert.equal(authorization(), `Basic ${Buffer.from("writer:second").toString("base64")}`));
  });

  it("R-ALR-10: the canary counts only once it is in the store", async () => {
    loki.status = 503;
    docker.write(OWN, "collector", { at: at(5), text: '{"event":"log-canary"}' });
    const collector = start();
    const canary = (): Promise<number> => metric(collector, /^mcp_collector_canary_seconds ([\d.]+)/m);
    await sleep(2500);
    assert.equal(await canary(), 0);
    loki.status = 204;
    const wanted = Date.parse("2026-11-28T12:00:05Z") / 1000;
    for (let left = 100; (await canary()) !== wanted && left > 0; left--) await sleep(100);
    assert.equal(await canary(), wanted);
  });

  it("without a store reads itself alone: the canary shows that the way to it is open", async () => {
    docker.write(MEMORY, "memory", { at: at(1), text: "nobody asks" });
    const later = new Date(Date.now() + 60_000).toISOString().replace(/\.\d+Z$/, ".000000000Z");
    docker.write(OWN, "collector", { at: later, text: '{"event":"log-canary"}' });
    const collector = new Collector({
      contract: { version: 1, estate: "e", stack: "s", limits: limitClasses.light, canarySeconds: 1 },
      ...{ logs: new ContainerLogs(docker.socket), log: createLog({}, "silent") },
      ...{ dataDir: join(docker.folder, "data"), secretsDir: docker.folder },
    });
    running.push(collector);
    collector.start();
    for (let left = 100; (await metric(collector, /^mcp_collector_canary_seconds ([\d.]+)/m)) === 0 && left > 0; left--)
      await sleep(100);
    assert.equal(await metric(collector, /^mcp_collector_canary_seconds ([\d.]+)/m), Date.parse(later) / 1000);
    assert.equal(await metric(collector, /^mcp_collector_followed (\d+)/m), 1);
    assert.deepEqual(loki.headers, []);
    const lines = await collector.tail("memory", 10);
    assert.deepEqual(
      lines?.map(({ text }) => text),
      ["nobody asks"],
    );
    assert.equal(await collector.tail("fetch", 10), undefined);
  });
});
