import { deepEqual, equal, match, ok } from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type AddressInfo } from "node:net";
import type { ServerContract } from "../../../runtime/contract/index.ts";
import { serverOf, startGateway, type RunningGateway } from "../gatewaySupport.ts";
import { contractOf, FAST, fixture, startSupervisor, textOf, until, type RunningSupervisor } from "../support.ts";

describe("R-DEP-02 R-DEP-09 a server that is replaced or restarted on purpose", () => {
  const contract: ServerContract = contractOf(fixture("good"), { tuning: { ...FAST, drainSeconds: 3 } });
  const started: RunningSupervisor[] = [];
  let running: RunningGateway;

  async function start(overrides: Partial<ServerContract> = {}): Promise<RunningSupervisor> {
    const supervisor = await startSupervisor({ ...contract, ...overrides });
    started.push(supervisor);
    return supervisor;
  }
  const gatewayTo = async (supervisor: RunningSupervisor, overrides: object = {}): Promise<void> => {
    running = await startGateway([serverOf("one", [supervisor.url])], overrides);
    await running.allHealthy();
  };
  const moveTo = (supervisor: RunningSupervisor): void =>
    running.gateway.reload({ ...running.contract, servers: [serverOf("one", [supervisor.url])] });
  const call = (ms = 5) => running.execute("one", "record", { ms });
  const pidOf = ({ supervisor }: RunningSupervisor): string => String(supervisor.keeper.child?.pid);

  afterEach(async () => {
    await running.stop();
    await Promise.all(started.splice(0).map((one) => one.stop()));
  });

  /** Calls all the time; ends with the texts of the answers, all of which must be good. */
  function load(callers: number): () => Promise<string[]> {
    const texts: string[] = [];
    let over = false;
    const workers = Array.from({ length: callers }, async () => {
      while (!over) {
        const answer = await call();
        equal(answer.status, 200, answer.text);
        texts.push(textOf(answer) ?? "");
      }
    });
    return async () => {
      over = true;
      await Promise.all(workers);
      return texts;
    };
  }

  it("restarts with another environment: every call is answered, by the old child or the new one", async () => {
    const only = await start();
    await gatewayTo(only);
    const before = pidOf(only);
    const stop = load(5);
    await until(() => only.supervisor.readiness().sessions > 0);
    await only.supervisor.reload({ ...contract, env: { CHANGED: "yes" } });
    await until(() => only.supervisor.readiness().state === "healthy");
    await new Promise((resolve) => setTimeout(resolve, 200));
    const pids = new Set(await stop());
    pids.delete(before);
    deepEqual(pids, new Set([pidOf(only)]));
  });

  it("lets calls wait while the old one has gone and the new one is not there yet", async () => {
    const old = await start();
    await gatewayTo(old);
    const first = await call();
    equal(first.status, 200);
    await old.supervisor.drain("it is being stopped: SIGTERM");
    await old.stop();
    const waiting = Promise.all(Array.from({ length: 10 }, () => call()));
    const fresh = await start();
    await new Promise((resolve) => setTimeout(resolve, 500));
    moveTo(fresh);
    for (const answer of await waiting) {
      equal(answer.status, 200, answer.text);
      equal(textOf(answer), pidOf(fresh));
    }
  });

  it("has old and new behind one name: what the old one refuses while the new one answers already is no loss", async () => {
    const old = await start();
    let port = new URL(old.url).port;
    // As a name server does it: who connects anew comes to whoever is meant then, who is connected stays where he is.
    const name = createServer((client) => {
      const onward = connect(Number(port), "127.0.0.1");
      client.pipe(onward).pipe(client);
      for (const socket of [client, onward])
        socket.on("error", () => [client, onward].forEach((each) => each.destroy()));
    }).listen(0, "127.0.0.1");
    await once(name, "listening");
    running = await startGateway([serverOf("one", [`http://127.0.0.1:${(name.address() as AddressInfo).port}`])]);
    await running.allHealthy();
    const stop = load(5);
    await until(() => old.supervisor.readiness().sessions > 0);
    const fresh = await start();
    await until(() => fresh.supervisor.readiness().state === "healthy");
    port = new URL(fresh.url).port;
    await old.supervisor.drain("it is being stopped: SIGTERM");
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await old.stop();
    await until(async () => textOf(await call()) === pidOf(fresh));
    const pids = new Set(await stop());
    name.close();
    ok(pids.has(pidOf(fresh)), [...pids].join());
  });

  it("goes on with the old one until the new one is healthy, and ends no call", async () => {
    const old = await start();
    await gatewayTo(old);
    const before = pidOf(old);
    const stop = load(5);
    const inFlight = call(600);
    await until(() => (old.supervisor.keeper.child?.channel.inFlight ?? 0) > 0);
    const fresh = await start();
    moveTo(fresh);
    equal(textOf(await inFlight), before);
    await until(() => running.gateway.server("one")?.upstreams.every(({ routable }) => routable));
    equal(textOf(await call()), pidOf(fresh));
    await old.supervisor.drain("it is being stopped: SIGTERM");
    await old.stop();
    const pids = await stop();
    deepEqual(new Set(pids), new Set([before, pidOf(fresh)]));
    match(running.logText(), /instance-retired/);
  });

  it("one that never becomes healthy gets no call, and the old one all of them", async () => {
    const old = await start();
    await gatewayTo(old);
    const broken = await start({ command: ["/bin/false"] });
    moveTo(broken);
    for (let i = 0; i < 20; i++) equal(textOf(await call()), pidOf(old));
    equal(running.gateway.server("one")?.routable, true);
  });

  it("all that have waited are answered, though more of them come at once than may queue", async () => {
    const old = await start();
    await gatewayTo(old, { maxConcurrentCalls: 1, maxQueuedCalls: 3 });
    equal((await call()).status, 200);
    await old.supervisor.drain("it is being stopped: SIGTERM");
    await old.stop();
    const answers = Promise.all(Array.from({ length: 12 }, () => call(20)));
    await until(() => running.gateway.server("one")?.held === 12);
    moveTo(await start());
    deepEqual(
      (await answers).map(({ status }) => status),
      Array.from({ length: 12 }, () => 200),
    );
  });

  it("waiting is bounded: one call too many gets 503 at once", async () => {
    const old = await start();
    await gatewayTo(old, { maxQueuedCalls: 2, callTimeoutSeconds: 1.5 });
    equal((await call()).status, 200);
    await old.supervisor.drain("it is being stopped: SIGTERM");
    await old.stop();
    // four times the queue may wait
    const answers = await Promise.all(Array.from({ length: 9 }, () => call()));
    deepEqual(new Set(answers.map(({ status }) => status)), new Set([503]));
    const refused = answers.filter(({ text }) => /calls wait for it already/.test(text));
    equal(refused.length, 1);
  });

  it("a server that was killed is no replacement: its callers are told at once", async () => {
    const old = await start();
    await gatewayTo(old);
    equal((await call()).status, 200);
    await old.stop();
    const began = Date.now();
    equal((await call()).status, 503);
    ok(Date.now() - began < 1_000);
  });
});
