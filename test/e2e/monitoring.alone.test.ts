import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { alertsOf, ruleFile } from "../../components/monitoring/alerts.ts";
import { boards } from "../../components/monitoring/dashboards/index.ts";
import { OtlpReceiver } from "../runtime/collector/otlpReceiver.ts";
import { openWindow, screenshot, startBrowser } from "../runtime/monitor/browser.ts";
import { alertCases } from "./alertCases.ts";
import { hostAddress } from "./alertReceiver.ts";
import {
  FIRES_WITHIN_MS,
  holdMemory,
  holdProcesses,
  MonitoredEstate,
  SCRAPE_SECONDS,
  TIME_SCALE,
} from "./monitoredEstate.ts";
import { buildStandIn, grafanaStandIn, lokiStandIn, removeStandIn } from "./storeStandIns.ts";
import { eventually } from "./testEstate.ts";

const run = promisify(execFile);
const QUIET_MS = 20_000;
const GRAFANA_PORT = 12_498;
/** 5 ms of each 100: a scrape still gets through. */
const STARVED_NANO_CPUS = 50_000_000;

describe("Alerts fire for their causes and end after the repair, end to end", function () {
  this.timeout(300_000);
  // The guard only tells here: what it would mend is what is tried.
  const guard = { intervalSeconds: 1, act: false };
  const health = { intervalSeconds: 2, timeoutSeconds: 2, failures: 2 };
  const monitored = new MonitoredEstate("mon", { guard }, health);
  const { estate, receiver } = monitored;
  const provoke: MonitoredEstate["provoke"] = (...args) => monitored.provoke(...args);
  const query = (expression: string) => monitored.query(expression);

  const works = (server: string, tool: string, args: Record<string, unknown>): Promise<void> =>
    eventually(async () => assert.equal((await estate.execute(server, tool, args)).status, 200), FIRES_WITHIN_MS);

  const otlp = new OtlpReceiver();
  const standIns: string[] = [];

  before(async () => {
    standIns.push(await buildStandIn(lokiStandIn), await buildStandIn(grafanaStandIn));
    const [loki, grafana] = standIns;
    const url = await otlp.listen(hostAddress());
    await monitored.create({
      collector: { canarySeconds: 1, traces: { url, headers: { "x-key": "of-the-store" }, share: 1 } },
      loki: { image: loki },
      grafana: { image: grafana, port: GRAFANA_PORT, password: "only-for-this-test" },
    });
  });
  after(async () => {
    await monitored.dispose();
    await otlp.close();
    for (const reference of standIns) await removeStandIn(reference);
  });

  /** What the store holds. */
  async function storedLines(): Promise<Array<{ container: string; text: string; at: string }>> {
    const { output } = await estate.exec("loki", ["/bin/cat", "/loki/lines.ndjson"]);
    return output
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { container: string; text: string; at: string });
  }

  it("R-MON-02: all scrapes succeed from the first update on", async () => {
    await eventually(async () => {
      const targets = (await query("up")).map(({ metric, value }) => `${metric["instance"] ?? ""} ${value[1]}`);
      assert.deepEqual(targets.sort(), [
        "alertmanager 1",
        "collector 1",
        "everything 1",
        "gateway 1",
        "guard 1",
        "memory 1",
        "prometheus 1",
      ]);
    }, 30_000);
  });

  it("R-MON-03, R-MON-04: every metric that an alert asks for is there, of every server", async () => {
    const names = new Set(
      alertsOf({ servers: 2, scrapeSeconds: SCRAPE_SECONDS, timeScale: TIME_SCALE, collects: true })
        .flatMap(({ expr }) => expr.match(/\b(mcp|up|alertmanager)\w*/g) ?? [])
        // Told of only when there was something to tell; the guard's own test sees them.
        .filter((name) => !/^mcp$|_last_action_|_undeclared$|_host_processes$|_instance_gpu$/.test(name)),
    );
    await estate.execute("everything", "echo", { message: "counted" });
    for (const name of names) {
      await eventually(async () => assert.ok((await query(name)).length > 0, `no series ${name}`), 15_000);
    }
    for (const server of ["memory", "everything"])
      assert.equal((await query(`mcp_container_memory_bytes{instance="${server}"}`)).length, 1);
  });

  it("R-DSH-03: every rule is executed without an error", async () => {
    const response = await fetch(`${await estate.output<string>("prometheusUrl")}/api/v1/rules`);
    const { data } = (await response.json()) as {
      data: { groups: { rules: { name: string; health: string; lastError?: string }[] }[] };
    };
    const rules = data.groups.flatMap((group) => group.rules);
    const declared = alertsOf({ servers: 2, scrapeSeconds: SCRAPE_SECONDS, timeScale: TIME_SCALE, collects: true });
    assert.deepEqual([...new Set(rules.map(({ name }) => name))].sort(), declared.map(({ name }) => name).sort());
    assert.deepEqual(
      rules.filter(({ health }) => health !== "ok"),
      [],
    );
  });

  it("R-DSH-01, R-DSH-03, R-DSH-04: every question of every dashboard is answered, with data of the right kind", async () => {
    await estate.execute("everything", "echo", { message: "counted" });
    const url = await estate.output<string>("prometheusUrl");
    const servers = await fetch(`${url}/api/v1/label/server/values?match[]=mcp_server_up`);
    assert.deepEqual(((await servers.json()) as { data: string[] }).data, ["everything", "memory"]);
    const asked = boards({ logs: true }).flatMap(({ title: board, panels }) =>
      panels
        .filter(({ kind }) => kind !== "logs")
        .flatMap(({ title, queries, empty }) =>
          queries.map(({ expr }) => ({ name: `${board}: ${title}`, expr, empty })),
        ),
    );
    assert.ok(asked.length > 30);
    for (const { name, expr, empty } of asked) {
      const question = expr.replaceAll("$server", "everything");
      await eventually(async () => {
        const found = await query(question);
        assert.ok(empty !== undefined || found.length > 0, `${name}: ${question} gives nothing`);
        for (const { value } of found) assert.ok(!Number.isNaN(Number(value[1])) || empty, `${name}: ${value[1]}`);
      }, 15_000);
    }
  });

  it("R-MON-01, R-DSH-03: Grafana is provisioned with them, and reaches what they ask", async () => {
    const response = await fetch(await estate.output<string>("grafanaUrl"));
    assert.deepEqual(await response.json(), {
      dashboards: ["MCP estate: process control", "MCP estate", "MCP estate: one server"],
      // Loki's stand-in has no page of its own.
      answers: { prometheus: 200, loki: 404 },
      hasPassword: true,
    });
  });

  it("R-MON-07: what every container writes is in the store", async () => {
    await eventually(async () => {
      const found = new Set((await storedLines()).map(({ container }) => container));
      for (const each of ["memory", "everything", "gateway", "guard", "collector", "collector-control"])
        assert.ok(found.has(each), `${each} is missing in ${[...found].join(", ")}`);
    }, 15_000);
  });

  it("R-GW-15: a call's span reaches the place for traces, with what that place wants to see", async () => {
    await estate.execute("everything", "echo", { message: "traced" });
    await eventually(() => {
      const span = otlp.spans.find(({ name }) => name === "tools/call echo");
      assert.equal(span?.attributes["mcp.server.name"], "everything");
      assert.equal(span.resource["deployment.environment.name"], "mon");
      assert.equal(otlp.headers.at(-1)?.["x-key"], "of-the-store");
      return Promise.resolve();
    }, 15_000);
  });

  it("callers cannot make series: whatever they ask for, there are no more", async () => {
    const count = async () => Number((await query('count({__name__=~"mcp_.+"})'))[0]?.value[1]);
    const ask = async (name: string): Promise<void> => {
      await estate.execute("everything", name, {});
      await estate.execute(name, "echo", {});
      await estate.request(`/${name}`);
      await estate.request(`/instances/${name}/metrics`);
    };
    await ask("first");
    await sleep(3 * SCRAPE_SECONDS * 1000);
    const before = await count();
    for (let index = 0; index < 50; index++) await ask(`name-${index}`);
    await sleep(3 * SCRAPE_SECONDS * 1000);
    assert.equal(await count(), before);
  });

  it("a quiet time fires nothing but the sign of life", async () => {
    await sleep(QUIET_MS);
    assert.deepEqual([...new Set(receiver.firing().map(({ labels }) => labels["alertname"]))], ["Watchdog"]);
  });

  it("R-OPS-05, R-OPS-06: npm run status shows it on one screen", async () => {
    const { stdout } = await estate.succeed("status");
    assert.match(stdout, /^everything +healthy +[\d.]+ s ago +\d+$/m);
    assert.match(stdout, /^prometheus +running, healthy +2 +\d+ \/ 64 +\d+ \/ 512 MiB/m);
    assert.match(stdout, /^2 of 2 servers of stack "mon" work at .*; 0 alerts; nothing is wrong\.$/m);
    const recovered = await estate.command("status", ["--recovered"]);
    assert.equal(recovered.code, 2, "ten minutes have not passed");
    assert.match(recovered.stdout, /^NO +ten minutes without growth +not known/m);
    assert.match(recovered.stdout, /^yes +all monitors active +all answer$/m);
  });

  it("R-DSH-02: the page shows within five seconds that a server was killed, and that it is back", async () => {
    const browser = await startBrowser();
    try {
      const { page } = await openWindow(browser);
      await page.goto(await estate.output<string>("monitorUrl"));
      await page.getByLabel("Token of the gateway").fill(await estate.token());
      await page.getByRole("button", { name: "Log in" }).click();
      await page.getByText("2 of 2 servers work, 0 alerts").waitFor();
      const memory = page.getByRole("row", { name: /^memory / });
      await memory.getByText("healthy", { exact: true }).waitFor();
      await screenshot(page, "estate");
      await memory.getByText(/\d+ \/ 32/).waitFor();
      const container = await estate.container("memory");
      await container.kill();
      await memory.getByText("unhealthy").waitFor({ timeout: 5000 });
      await container.start();
      await memory.getByText("healthy", { exact: true }).waitFor({ timeout: FIRES_WITHIN_MS });
    } finally {
      await browser.close();
    }
  });

  it("A-02, R-ALR-07: a server that is mute", async () => {
    const everything = await estate.container("everything");
    await provoke(
      "FunctionalFailure",
      { server: "everything" },
      () => everything.pause(),
      () => everything.unpause(),
    );
  });

  it("R-ALR-09, R-MON-08: a server that is stopped is missing, and its scrape fails", async () => {
    const everything = await estate.container("everything");
    await provoke(
      "ServersMissing",
      {},
      async () => {
        await everything.stop();
        await monitored.told("ScrapeFailing", { instance: "everything" });
        // What was told may be of an earlier cause.
        await eventually(async () => {
          const { code, stdout } = await estate.command("status");
          assert.equal(code, 2, stdout);
          assert.match(stdout, /^✗ container everything is exited$/m);
          assert.match(stdout, /^✗ ScrapeFailing: everything does not answer its scrape$/m);
        }, FIRES_WITHIN_MS);
      },
      () => everything.start(),
    );
  });

  it("A-22, R-ALR-06: a limit that somebody raised by hand", async () => {
    const memory = await estate.container("memory");
    await provoke(
      "LimitBypass",
      { instance: "memory", limit: "pids" },
      async () => {
        await memory.update({ PidsLimit: 99 });
        await monitored.told("LimitNotEnforced", { container: "memory", limit: "pids" });
      },
      () => memory.update({ PidsLimit: 32 }),
    );
  });

  it("A-24, R-ALR-01, R-ALR-03: memory close to its limit", async () => {
    const everything = await estate.container("everything");
    const about = { container: "everything" };
    await provoke(
      "MemoryCritical",
      about,
      async () => {
        await holdMemory(everything.id, 192);
        for (const name of ["MemoryWarning", "MemoryEmergency", "HighMemoryUsage"]) await monitored.told(name, about);
      },
      () => sleep(0),
    );
  });

  it("R-ALR-03: a process that the kernel ends for lack of memory", async () => {
    const everything = await estate.container("everything");
    await provoke(
      "OutOfMemoryKill",
      { instance: "everything" },
      () => holdMemory(everything.id, 400),
      () => sleep(0),
    );
  });

  it("A-25, R-ALR-04: a few processes too many", async () => {
    const everything = await estate.container("everything");
    await provoke(
      "ProcessWarning",
      { container: "everything" },
      () => holdProcesses(everything.id, { count: 14, apart: 0, seconds: 6 }),
      () => sleep(0),
    );
  });

  it("A-25, R-ALR-05: processes that grow one after the other", async () => {
    const everything = await estate.container("everything");
    await provoke(
      "ProcessGrowth",
      { container: "everything" },
      () => holdProcesses(everything.id, { count: 14, apart: 0.25, seconds: 8 }),
      () => sleep(0),
    );
  });

  it("A-25, R-ALR-04: more and more processes, and a supervisor that hangs", async () => {
    const memory = await estate.container("memory");
    const about = { container: "memory" };
    const [supervisor = assert.fail("no supervisor")] = childrenOf((await memory.inspect()).State.Pid);
    await provoke(
      "ProcessNuclear",
      about,
      async () => {
        // Else its ladder ends them before anybody else has seen them.
        process.kill(supervisor, "SIGSTOP");
        await memory.update({ PidsLimit: 256 });
        await holdProcesses(memory.id, { count: 110, apart: 0, seconds: 8, asRoot: true });
        for (const name of ["ProcessCritical", "ProcessEmergency"]) await monitored.told(name, about);
      },
      async () => {
        await memory.update({ PidsLimit: 32 });
        process.kill(supervisor, "SIGCONT");
        await works("memory", "read_graph", {});
      },
    );
  });

  it("R-ALR-08: a server that ends again and again", async () => {
    const everything = await estate.container("everything");
    // What earlier causes have ended counts too, and in a crash loop there is nothing to end.
    await everything.restart();
    await works("everything", "echo", { message: "x" });
    const { Pid } = (await everything.inspect()).State;
    await provoke(
      "RestartLoop",
      { instance: "everything" },
      async () => {
        for (let times = 0; times < 8; times++) {
          const [server] = childrenOf(childrenOf(Pid)[0] ?? Pid);
          if (server !== undefined) process.kill(server, "SIGKILL");
          await sleep(1500);
        }
      },
      async () => {
        // In a crash loop its supervisor waits longer each time.
        await everything.restart();
        await works("everything", "echo", { message: "x" });
      },
    );
  });

  it("R-ALR-12: a burst of errors", async () => {
    await provoke(
      "ErrorBudgetBurn",
      {},
      async () => {
        await (await estate.container("memory")).stop();
        // A counter that begins between two scrapes shows what came after the second.
        for (let i = 0; i < 20; i++) {
          await estate.execute("memory", "read_graph", {});
          await sleep(100);
        }
      },
      async () => {
        await (await estate.container("memory")).start();
        await works("memory", "read_graph", {});
        for (let i = 0; i < 200; i++) await estate.execute("everything", "echo", { message: "well" });
      },
    );
  });

  it("R-ALR-11: slow calls", async () => {
    const slow = (): Promise<unknown> =>
      estate.execute("everything", "trigger-long-running-operation", { duration: 1, steps: 1 });
    await provoke(
      "SlowCalls",
      { server: "everything" },
      async () => {
        for (let i = 0; i < 10; i++) await slow();
      },
      async () => {
        for (let i = 0; i < 200; i++) await estate.execute("everything", "echo", { message: "quick" });
      },
    );
  });

  it("R-ALR-11: the gateway's own health answer is slow", async () => {
    const gateway = await estate.container("gateway");
    const { NanoCpus } = (await gateway.inspect()).HostConfig;
    let asking = true;
    const ask = async (): Promise<void> => {
      while (asking) await estate.request("/health").catch(() => undefined);
    };
    await provoke(
      "SlowHealth",
      {},
      async () => {
        await gateway.update({ NanoCpus: STARVED_NANO_CPUS });
        // Those that come together wait for each other, and for their share of the processor.
        for (let caller = 0; caller < 32; caller++) void ask();
      },
      async () => {
        asking = false;
        await gateway.update({ NanoCpus });
      },
    );
  });

  it("R-ALR-07: calls that end nowhere open the circuit", async () => {
    const endless = (): Promise<unknown> =>
      estate.execute("everything", "trigger-long-running-operation", { duration: 45, steps: 1 });
    await provoke(
      "CircuitOpen",
      { server: "everything" },
      () => Promise.all(Array.from({ length: 5 }, endless)),
      () => works("everything", "echo", { message: "closed again" }),
    );
  });

  it("R-ALR-14, A-34: a server that prefers a GPU runs on a processor", async () => {
    const declare = async (memory: object): Promise<void> => {
      estate.configure((config) => (config["mcp-estate:servers"] = { memory, everything: {} }));
      await estate.succeed("up", ["--yes"]);
    };
    await provoke(
      "GpuFallback",
      { server: "memory" },
      () => declare({ gpu: "preferred" }),
      () => declare({}),
    );
  });

  it("R-MON-08: the gateway cannot be reached", async () => {
    const edge = await estate.container("edge");
    await provoke(
      "GatewayUnreachable",
      {},
      () => edge.pause(),
      () => edge.unpause(),
    );
  });

  it("R-ALR-10: the log path is cut", async () => {
    const loki = await estate.container("loki");
    await provoke(
      "LogPathDead",
      {},
      () => loki.pause(),
      () => loki.unpause(),
    );
  });

  it("R-MON-07: no line is lost while any part of the way is started again", async () => {
    const everything = await estate.container("everything");
    const lines = 400;
    const script = `open(my $log, ">>", "/proc/1/fd/1"); $log->autoflush(1); for (1..${lines}) { print $log "counted $_\n"; select(undef, undef, undef, 0.05) }`;
    await run("docker", ["exec", "--detach", everything.id, "/usr/bin/perl", "-MIO::Handle", "-e", script]);
    for (const part of ["collector", "loki", "collector-control"]) {
      await sleep(2000);
      await (await estate.container(part)).restart({ t: 2 });
    }
    await (await estate.container("collector")).kill();
    await sleep(1000);
    await (await estate.container("collector")).start();
    await eventually(async () => {
      const counted = (await storedLines()).flatMap(({ text }) => /^counted (\d+)$/.exec(text)?.[1] ?? []);
      assert.equal(new Set(counted).size, lines, `${counted.length} lines in the store`);
    }, 60_000);
  });

  it("all of them end after the repair, and nothing else fires", async () => {
    await monitored.allEnded();
    await eventually(() => {
      assert.deepEqual([...new Set(receiver.firing().map(({ labels }) => labels["alertname"]))], ["Watchdog"]);
      return Promise.resolve();
    }, FIRES_WITHIN_MS);
  });

  it("R-NTF-01, R-NTF-02, R-LVL-05: chat and mail say what to do, of their level and above, and what it was in the end", () => {
    const chat = receiver.chat.flatMap(({ attachments }) => attachments);
    const find = (title: string) => chat.find((each) => each.title === title)?.text ?? assert.fail(`no ${title}`);
    const lines = [
      /^everything uses [\d.]+% of its memory, over 90 %$/m,
      /^since: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/m,
      /^processes: \d+ \(limit 15\)$/m,
      /^memory: [\d.]+MiB of 256MiB$/m,
      /^trend: (growing|stable|declining)$/m,
      /^actions taken: \d+ by its ladder, \d+ restarts by the guard$/m,
      /^next step: \w/m,
      /^runbook: docs\/runbooks\/MemoryCritical\.md$/m,
      /^http:\/\/127\.0\.0\.1:\d+$/m,
    ];
    for (const line of lines) assert.match(find("[level 2] MemoryCritical in mcp-estate/mon"), line);
    const ends = [
      /^resolved: everything uses/m,
      /^lasted: [\dms.h]+, from /m,
      /^peak: \d+ processes, [\d.]+MiB$/m,
      /^prevention in force: 32 tasks, 256MiB$/m,
    ];
    for (const line of ends) assert.match(find("[level 2] resolved: MemoryCritical in mcp-estate/mon"), line);
    assert.ok(!chat.some(({ title }) => title.startsWith("[level 1]")));
    const subjects = monitored.mail.messages.map((message) => /^Subject: (.*)$/m.exec(message)?.[1] ?? "");
    assert.ok(subjects.includes("[level 3] LimitBypass in mcp-estate/mon"), subjects.join("\n"));
    assert.ok(subjects.includes("[level 3] resolved: LimitBypass in mcp-estate/mon"), subjects.join("\n"));
    assert.ok(!subjects.some((subject) => /^\[level [12]\]/.test(subject)));
    const mail = monitored.mail.messages.find((message) => message.includes("[level 3] LimitBypass")) ?? "";
    assert.match(mail, /^the kernel's limit pids of memory is 99, which is not what is declared$/m);
  });

  it("R-MON-08: a receiver that refuses is told of at the others, and shows in Prometheus", async () => {
    receiver.answer = 500;
    const everything = await estate.container("everything");
    await everything.pause();
    await eventually(async () => {
      const alerts = await query('ALERTS{alertname="NotificationsFailing", alertstate="firing"}');
      assert.ok(alerts.length > 0, "silent");
    }, FIRES_WITHIN_MS);
    receiver.answer = 200;
    await everything.unpause();
  });

  it("no history is lost when Prometheus starts again", async () => {
    const from = Date.now() / 1000;
    const samples = async (): Promise<number> =>
      Number((await query('count_over_time(up{job="gateway"}[2m])'))[0]?.value[1] ?? 0);
    const before = await samples();
    await (await estate.container("prometheus")).restart();
    await eventually(async () => assert.ok((await samples()) > 0), 30_000);
    const gap = Date.now() / 1000 - from;
    const after = await samples();
    assert.ok(after >= Math.min(before, 120) - Math.ceil(gap / SCRAPE_SECONDS) - 5, `${before} samples, then ${after}`);
  });

  it("a second update has nothing to change", async () => {
    await eventually(() => estate.succeed("up", ["--yes", "--expect-no-changes"]), 60_000);
  });

  it("every alert fires, stays silent and recovers in promtool's own clock", async () => {
    const context = { servers: 2, scrapeSeconds: 15, timeScale: 1, collects: true };
    const folder = mkdtempSync(join(tmpdir(), "mcp-estate-alerts-"));
    try {
      writeFileSync(join(folder, "alerts.json"), ruleFile(context, { stack: "prod" }));
      writeFileSync(join(folder, "cases.json"), JSON.stringify(alertCases(context, "alerts.json")));
      const { Image } = await (await estate.container("prometheus")).inspect();
      const promtool = (...args: string[]) =>
        run("docker", [
          "run",
          "--rm",
          "--network=none",
          "--user=0:0",
          `--volume=${folder}:/w`,
          "--workdir=/w",
          "--entrypoint=/usr/bin/promtool",
          Image,
          ...args,
        ]);
      await promtool("check", "rules", "alerts.json");
      const { stdout, stderr } = await promtool("test", "rules", "cases.json");
      assert.match(stdout + stderr, /SUCCESS/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

/** Children of a process of this machine; none where it has just ended. */
function childrenOf(pid: number): number[] {
  const path = `/proc/${pid}/task/${pid}/children`;
  const text = existsSync(path) ? readFileSync(path, "utf8").trim() : "";
  return text === "" ? [] : text.split(" ").map(Number);
}
