import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { AlertReceiver, type ReceivedAlert } from "./alertReceiver.ts";
import { MailReceiver } from "./mailReceiver.ts";
import { places } from "./places.ts";
import { eventually, TestEstate } from "./testEstate.ts";

const run = promisify(execFile);
/** A minute of an alert is 0.6 s here. */
export const TIME_SCALE = 0.01;
export const SCRAPE_SECONDS = 1;
/** From the cause to the message: what the rule waits for, scrapes, and Alertmanager's grouping. */
export const FIRES_WITHIN_MS = 60_000;

export interface Sample {
  metric: Record<string, string>;
  value: [number, string];
}

/** Two servers with the monitoring beside them, on times shortened by its settings, and a receiver that keeps what it is told. */
export class MonitoredEstate {
  readonly receiver = new AlertReceiver();
  readonly mail = new MailReceiver();
  readonly estate: TestEstate;
  private readonly settings: Record<string, unknown>;
  private readonly provoked: Array<{ name: string; about: Record<string, string> }> = [];
  private prometheus = "";

  /**
   * @param settings of the monitoring, beside its ports, times and the receiver.
   * @param health of the stack. @default its own
   */
  constructor(stack: "mon" | "guard", settings: Record<string, unknown>, health?: Record<string, unknown>) {
    const { port } = places[stack];
    const ports = { prometheusPort: port + 1, alertmanagerPort: port + 2, pagePort: port + 3 };
    this.settings = { ...ports, scrapeSeconds: SCRAPE_SECONDS, timeScale: TIME_SCALE, ...settings };
    this.estate = new TestEstate(stack, {
      config: {
        "mcp-estate:servers": { memory: {}, everything: {} },
        ...(health ? { "mcp-estate:health": health } : {}),
      },
    });
  }

  /** @param more of the monitoring's settings, known only now. */
  async create(more: Record<string, unknown> = {}): Promise<void> {
    const { host, webhookUrl, chatUrl } = await this.receiver.listen();
    const server = `${host}:${await this.mail.listen(host)}`;
    await this.estate.create();
    this.estate.configure((config) => {
      config["mcp-estate:monitoring"] = {
        ...this.settings,
        ...more,
        receivers: {
          recorder: { webhookUrl, fromLevel: 1, watchdog: true },
          operations: { chatUrl, fromLevel: 2 },
          engineering: {
            email: { to: "on-call@mail.test", from: "estate@mail.test", server, tls: false },
            fromLevel: 3,
          },
        },
      };
    });
    await this.estate.succeed("up", ["--yes"]);
    this.prometheus = await this.estate.output<string>("prometheusUrl");
  }

  async dispose(): Promise<void> {
    await this.estate.dispose();
    await this.receiver.close();
    await this.mail.close();
  }

  /** Waits until the receiver has been told of it. */
  told(
    name: string,
    about: Record<string, string> = {},
    status: "firing" | "resolved" = "firing",
  ): Promise<ReceivedAlert> {
    return eventually(() => {
      const found = this.receiver.alerts.findLast(isOf(name, about));
      const all = this.receiver.firing().map(({ labels }) => labels["alertname"]);
      assert.ok(
        found?.status === status,
        `${name} ${JSON.stringify(about)} is ${found?.status ?? "silent"}; firing: ${all.join(", ")}`,
      );
      return Promise.resolve(found);
    }, FIRES_WITHIN_MS);
  }

  /**
   * Waits until the receiver has been told that it fires, since it had so many messages: what comes and goes by itself may
   * have ended again by the time that somebody looks.
   */
  private firedSince(messages: number, name: string, about: Record<string, string>): Promise<ReceivedAlert> {
    return eventually(() => {
      const found = this.receiver.alerts
        .slice(messages)
        .filter(isOf(name, about))
        .find(({ status }) => status === "firing");
      const all = this.receiver.firing().map(({ labels }) => labels["alertname"]);
      assert.ok(found, `${name} ${JSON.stringify(about)} was not told of; firing: ${all.join(", ")}`);
      return Promise.resolve(found);
    }, FIRES_WITHIN_MS);
  }

  /** Whether the receiver's last word on it is that it fires. */
  private fires(name: string, about: Record<string, string>): boolean {
    return this.receiver.firing().some(isOf(name, about));
  }

  /** Makes the cause, waits for the alert, mends; `allEnded` waits for its end. */
  async provoke(
    name: string,
    about: Record<string, string>,
    cause: () => Promise<unknown>,
    repair: () => Promise<unknown>,
  ): Promise<void> {
    // What an earlier cause has left over is no answer to this one.
    await eventually(
      () => Promise.resolve(assert.ok(!this.fires(name, about), `${name} fires already`)),
      FIRES_WITHIN_MS,
    );
    const started = Date.now();
    const before = this.receiver.alerts.length;
    let firing;
    try {
      await cause();
      firing = await this.firedSince(before, name, about);
    } finally {
      await repair();
    }
    const seconds = (Date.now() - started) / 1000;
    console.log(`      ${firing.annotations["summary"]} (after ${seconds.toFixed(1)} s)`);
    assert.equal(firing.labels["stack"], this.estate.stack);
    assert.match(firing.annotations["runbook"] ?? "", new RegExp(`^docs/runbooks/${name}\\.md$`));
    this.provoked.push({ name, about });
  }

  /** Waits until the receiver has been told of the end of everything that was provoked so far. */
  async allEnded(): Promise<void> {
    assert.ok(this.provoked.length > 0);
    for (const { name, about } of this.provoked.splice(0)) {
      const { startsAt, endsAt } = await this.told(name, about, "resolved");
      assert.ok(Date.parse(endsAt) > Date.parse(startsAt), name);
    }
  }

  /** What Prometheus answers. */
  async query(expression: string): Promise<Sample[]> {
    const response = await fetch(`${this.prometheus}/api/v1/query?query=${encodeURIComponent(expression)}`);
    const body = (await response.json()) as { status: string; error?: string; data: { result: Sample[] } };
    assert.equal(body.status, "success", `${expression}: ${body.error ?? ""}`);
    return body.data.result;
  }
}

function isOf(name: string, about: Record<string, string>): (alert: ReceivedAlert) => boolean {
  const wanted = Object.entries({ alertname: name, ...about });
  return ({ labels }) => wanted.every(([key, value]) => labels[key] === value);
}

/** Takes memory in a container for some seconds. */
export async function holdMemory(id: string, mebibytes: number): Promise<void> {
  // Any other way has it twice.
  const script = `my $held = ""; vec($held, ${mebibytes} << 20, 8) = 1; sleep 8`;
  await run("docker", ["exec", "--detach", id, "/usr/bin/perl", "-e", script]);
}

export interface HeldProcesses {
  count: number;
  /** Seconds between two of them. */
  apart: number;
  seconds: number;
  /** root alone has more than the limit nproc. @default the container's own account */
  asRoot?: boolean;
}

/** Has processes in a container for some seconds. */
export async function holdProcesses(id: string, { count, apart, seconds, asRoot }: HeldProcesses): Promise<void> {
  // One that fails gives nothing, and is no child.
  const script = `for (1..${count}) { my $child = fork; if (defined $child && !$child) { sleep ${seconds}; exit } select(undef, undef, undef, ${apart}) } sleep ${seconds}`;
  const user = asRoot ? ["--user=0"] : [];
  // What an earlier test has left may hold the last tasks that there are.
  await eventually(() => run("docker", ["exec", "--detach", ...user, id, "/usr/bin/perl", "-e", script]), 20_000);
}
