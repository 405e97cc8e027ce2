import { Agent, fetch } from "undici";
import * as z from "zod";
import type { MonitorContract } from "../contract/index.ts";
import type { ActionView, AlertView, ContainerView, History, Line, LogView, Overview, ServerView } from "./view.ts";

const TIMEOUT_MS = 4000;
/** The certificate is the stack's own, and for the names of the outside; both ends are on a network of the estate's. */
const INSIDE = new Agent({ connect: { rejectUnauthorized: false } });
/** The sign of life: no news. */
const WATCHDOG = "Watchdog";
/** Points of a line: more are not seen on any screen. */
const POINTS = 360;
const LOG_LINES = 100;

const LIMIT = (which: string): string => `mcp_guard_limit{limit="${which}", source="kernel"}`;
const SHARES = {
  tasks: `max by (container) (mcp_guard_tasks / ignoring(limit, source) ${LIMIT("pids")})`,
  memory: `max by (container) (mcp_guard_memory_bytes / ignoring(limit, source) ${LIMIT("memory_bytes")})`,
};

const serversSchema = z.object({
  servers: z.array(
    z.object({
      name: z.string(),
      state: z.string(),
      ageSeconds: z.number().nullable(),
      tools: z.array(z.string()),
      reason: z.string().nullable(),
      provedBy: z.enum(["call", "list"]).default("call"),
    }),
  ),
});
const labelsSchema = z.record(z.string(), z.string());
const vectorSchema = z.object({
  data: z.object({ result: z.array(z.object({ metric: labelsSchema, value: z.tuple([z.number(), z.string()]) })) }),
});
const matrixSchema = z.object({
  data: z.object({
    result: z.array(z.object({ metric: labelsSchema, values: z.array(z.tuple([z.number(), z.string()])) })),
  }),
});
const logSchema = z.object({
  container: z.string(),
  lines: z.array(z.object({ at: z.string(), stream: z.enum(["stdout", "stderr"]), text: z.string() })),
});
const alertsSchema = z.array(z.object({ labels: labelsSchema, annotations: labelsSchema, startsAt: z.string() }));

/** An answer of another status than 200. */
export class SourceError extends Error {
  readonly status: number;

  constructor(url: string, status: number) {
    super(`${new URL(url).host} answers with ${status}`);
    this.status = status;
  }
}

/** Gateway, Prometheus and Alertmanager of one estate, as the page's server asks them. */
export class Sources {
  readonly #contract: MonitorContract;

  constructor(contract: MonitorContract) {
    this.#contract = contract;
  }

  /**
   * Whether the token may see the estate as a whole, as reading its metrics does.
   * @throws SourceError with the gateway's answer where it may not.
   */
  async admit(token: string): Promise<void> {
    await ask(`${this.#contract.gatewayUrl}/metrics`, token);
  }

  /** What is now. What does not answer is a fault in it. */
  async overview(token: string): Promise<Overview> {
    const { estate, stack, collectorUrl } = this.#contract;
    const logs = collectorUrl !== undefined;
    const faults: string[] = [];
    const unless = <T>(asked: Promise<T[]>): Promise<T[]> =>
      asked.catch((error: unknown) => {
        faults.push(error instanceof Error ? error.message : String(error));
        return [];
      });
    const [servers, containers, alerts, actions] = await Promise.all([
      unless(this.#servers(token)),
      unless(this.#containers()),
      unless(this.#alerts()),
      unless(this.#actions()),
    ]);
    return { estate, stack, at: new Date().toISOString(), servers, containers, alerts, actions, logs, faults };
  }

  /** Shares of limits over the last minutes. @throws Error when Prometheus does not answer. */
  async history(minutes: number): Promise<History> {
    const end = Math.floor(Date.now() / 1000);
    const step = Math.max(1, Math.round((minutes * 60) / POINTS));
    const start = end - minutes * 60;
    const times = Array.from({ length: Math.floor((end - start) / step) + 1 }, (_, index) => start + index * step);
    const lines = async (query: string): Promise<Line[]> => {
      const parameters = new URLSearchParams({ query, start: String(start), end: String(end), step: String(step) });
      const answer = await ask(`${this.#contract.prometheusUrl}/api/v1/query_range?${parameters.toString()}`);
      return matrixSchema.parse(answer).data.result.map(({ metric: { container: name = "" }, values }) => {
        const at = new Map(values.map(([time, value]) => [time, Number(value)]));
        return { name, shares: times.map((time) => finite(at.get(time))) };
      });
    };
    const [tasks, memory] = await Promise.all([lines(SHARES.tasks), lines(SHARES.memory)]);
    return { times, tasks, memory };
  }

  /**
   * The last lines of a component's containers.
   * @throws SourceError where the collector has none of that name, Error where there is no collector.
   */
  async log(container: string): Promise<LogView> {
    const { collectorUrl } = this.#contract;
    if (collectorUrl === undefined) throw new Error("this stack has no collector of logs");
    const query = new URLSearchParams({ container, lines: String(LOG_LINES) });
    return logSchema.parse(await ask(`${collectorUrl}/tail?${query.toString()}`));
  }

  async #servers(token: string): Promise<ServerView[]> {
    const answer = await ask(`${this.#contract.gatewayUrl}/servers`, token);
    return serversSchema.parse(answer).servers.map(({ provedBy, ...server }) => ({
      ...server,
      tools: server.tools.length,
      listsOnly: provedBy === "list",
    }));
  }

  async #containers(): Promise<ContainerView[]> {
    const [processes, tasks, pids, memory, limits] = await Promise.all([
      this.#byContainer("mcp_guard_processes"),
      this.#byContainer("mcp_guard_tasks"),
      this.#byContainer(LIMIT("pids")),
      this.#byContainer("mcp_guard_memory_bytes"),
      this.#byContainer(LIMIT("memory_bytes")),
    ]);
    return [...tasks.keys()].sort().map((name) => ({
      name,
      processes: processes.get(name) ?? 0,
      tasks: tasks.get(name) ?? 0,
      pidsLimit: pids.get(name) ?? 0,
      memoryBytes: memory.get(name) ?? 0,
      memoryLimitBytes: limits.get(name) ?? 0,
    }));
  }

  async #byContainer(metric: string): Promise<Map<string, number>> {
    const found = await this.#query(`max by (container) (${metric})`);
    return new Map(found.map(({ metric: { container = "" }, value }) => [container, finite(Number(value[1])) ?? 0]));
  }

  async #alerts(): Promise<AlertView[]> {
    const answer = await ask(`${this.#contract.alertmanagerUrl}/api/v2/alerts`);
    return alertsSchema
      .parse(answer)
      .filter(({ labels }) => labels["alertname"] !== WATCHDOG)
      .map(({ labels, annotations, startsAt }) => ({
        name: labels["alertname"] ?? "",
        level: labels["level"] ?? "",
        severity: labels["severity"] ?? "",
        summary: annotations["summary"] ?? "",
        action: annotations["action"] ?? "",
        runbook: annotations["runbook"] ?? "",
        startsAt,
      }))
      .sort((a, b) => Number(b.level) - Number(a.level) || (a.startsAt < b.startsAt ? 1 : -1));
  }

  /** Of the last hour: the guard's by its clock, the ladder's by their number. */
  async #actions(): Promise<ActionView[]> {
    const [guard, ladder] = await Promise.all([
      this.#query("mcp_guard_last_action_seconds > time() - 3600"),
      this.#query("sum by (instance, level, action) (increase(mcp_ladder_actions_total[1h])) >= 1"),
    ]);
    return [
      ...guard.map(({ metric: { container = "", cause = "", outcome = "" }, value }) => ({
        container,
        what: `guard: restart for ${cause} ${outcome}`,
        at: new Date(Number(value[1]) * 1000).toISOString(),
        count: 1,
      })),
      ...ladder.map(({ metric: { instance = "", level = "", action = "" }, value }) => ({
        container: instance,
        what: `ladder: ${action} at ${level}`,
        at: null,
        count: Math.round(Number(value[1])),
      })),
    ];
  }

  async #query(query: string): Promise<z.infer<typeof vectorSchema>["data"]["result"]> {
    const answer = await ask(
      `${this.#contract.prometheusUrl}/api/v1/query?${new URLSearchParams({ query }).toString()}`,
    );
    return vectorSchema.parse(answer).data.result;
  }
}

function finite(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}

/** JSON where there is some, else text. */
async function ask(url: string, token?: string): Promise<unknown> {
  const response = await fetch(url, {
    dispatcher: INSIDE,
    signal: AbortSignal.timeout(TIMEOUT_MS),
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  });
  if (!response.ok) {
    await response.body?.cancel();
    throw new SourceError(url, response.status);
  }
  return response.headers.get("content-type")?.startsWith("application/json") ? response.json() : response.text();
}
