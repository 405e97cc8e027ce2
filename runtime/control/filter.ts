import type { ControlContract, Controlled } from "../contract/index.ts";
import { Allowance } from "./allowance.ts";
import type { AskDocker } from "./docker.ts";
import { logsQuestion } from "./logs.ts";

export interface FilterAnswer {
  status: number;
  body: unknown;
}

/** Seconds that a container gets to end by itself before it is killed: who hangs does not, and waits for nobody. */
const STOP_SECONDS = 5;
const RESTART = /^\/containers\/([0-9a-f]{64})\/restart$/;

interface DockerContainer {
  Id: string;
  Labels: Record<string, string>;
  State: string;
  Status: string;
}

/**
 * All that anybody can ask of Docker through the filter: which containers this stack has, and, as far as its contract says so,
 * that one of them that runs be restarted, so often and no more, or what one of them has written. Nothing is killed for good:
 * Docker would leave it so.
 */
export class Filter {
  readonly #contract: ControlContract;
  readonly #docker: AskDocker;
  readonly #allowance: Allowance | undefined;

  constructor(contract: ControlContract, docker: AskDocker) {
    this.#contract = contract;
    this.#docker = docker;
    const { restarts } = contract;
    this.#allowance = restarts && new Allowance(restarts.most, restarts.withinSeconds);
  }

  async answer(method: string, path: string): Promise<FilterAnswer> {
    if (method === "GET" && path === "/health") return { status: 200, body: { ok: true } };
    if (method === "GET" && path === "/containers") return { status: 200, body: await this.#containers() };
    const id = method === "POST" ? RESTART.exec(path)?.[1] : undefined;
    const allowance = this.#allowance;
    if (id !== undefined && allowance !== undefined) return this.#restart(id, allowance);
    return refused(404, `${method} ${path}: only ${this.#allowed().join(" and ")}, ID in full`);
  }

  /**
   * Docker's own path for a question for a container's log.
   * @returns undefined where it is none, or none is allowed.
   */
  async logsPath(method: string, path: string): Promise<string | FilterAnswer | undefined> {
    const question = this.#contract.logs && method === "GET" ? logsQuestion(path) : undefined;
    if (question === undefined) return undefined;
    const { id, query } = question;
    const isOurs = (await this.#containers()).some((container) => container.id === id);
    return isOurs ? `/containers/${id}/logs?${query}` : refused(403, `container ${id} is none of this stack`);
  }

  #allowed(): string[] {
    const { restarts, logs } = this.#contract;
    return [
      "GET /containers",
      ...(restarts ? ["POST /containers/ID/restart"] : []),
      ...(logs ? ["GET /containers/ID/logs"] : []),
    ];
  }

  async #restart(id: string, allowance: Allowance): Promise<FilterAnswer> {
    const found = (await this.#containers()).find((container) => container.id === id);
    if (found === undefined) return refused(403, `container ${id} is none of this stack`);
    if (found.state !== "running") return refused(409, `container ${id} is ${found.state}: whoever did that meant it`);
    if (!allowance.take(found.component))
      return refused(429, `${found.component} has been restarted ${allowance.words} already`);
    const { status, text } = await this.#docker("POST", `/containers/${id}/restart?t=${STOP_SECONDS}`);
    if (status >= 300) return refused(502, `Docker answers the restart of ${id} with ${status}: ${text.trim()}`);
    return { status: 200, body: { ok: true, component: found.component } };
  }

  /** Containers with this stack's labels; Docker itself looks for them, and what it finds is looked at once more. */
  async #containers(): Promise<Controlled[]> {
    const { labels, estate, stack } = this.#contract;
    const wanted = { label: [`${labels.estate}=${estate}`, `${labels.stack}=${stack}`] };
    const query = `all=true&filters=${encodeURIComponent(JSON.stringify(wanted))}`;
    const { status, text } = await this.#docker("GET", `/containers/json?${query}`);
    if (status !== 200) throw new Error(`Docker answers with ${status}: ${text.trim()}`);
    const own = (JSON.parse(text) as DockerContainer[]).filter(
      ({ Labels }) => Labels[labels.estate] === estate && Labels[labels.stack] === stack,
    );
    return Promise.all(
      own.map(async ({ Id, Labels, State, Status }) => {
        const said = healthIn(Status);
        const health = said === "unhealthy" && (await this.#saysNothing(Id)) ? "silent" : said;
        return { id: Id, component: Labels[labels.component] ?? "", state: State, health };
      }),
    );
  }

  /** Its last probe ended otherwise than with a refusal of the program's own. */
  async #saysNothing(id: string): Promise<boolean> {
    const { status, text } = await this.#docker("GET", `/containers/${id}/json`);
    if (status !== 200) return false;
    const { State } = JSON.parse(text) as { State: { Health?: { Log?: Array<{ ExitCode: number }> | null } } };
    const last = State.Health?.Log?.at(-1);
    return last !== undefined && last.ExitCode !== REFUSED;
  }
}

/** curl's exit code for an answer of 400 and more. */
const REFUSED = 22;

/** Docker's list has it in brackets only: `Up 2 minutes (unhealthy)`. */
function healthIn(status: string): Controlled["health"] {
  if (status.includes("(unhealthy)")) return "unhealthy";
  if (status.includes("(healthy)")) return "healthy";
  return status.includes("(health: starting)") ? "starting" : "none";
}

function refused(status: number, error: string): FilterAnswer {
  return { status, body: { error } };
}
