import { createServer, type Server } from "node:http";
import type { MonitorContract } from "../../../runtime/contract/index.ts";
import { limitClasses } from "../../../components/limitClasses.ts";

const MIB = 1024 * 1024;

/** What gateway, Prometheus and Alertmanager say; a test changes it as it goes. */
export class EstateStandIn {
  /** Token → may it read metrics? */
  readonly tokens = new Map([
    ["owner-token", true],
    ["caller-token", false],
  ]);
  servers: Array<{
    name: string;
    state: string;
    ageSeconds: number | null;
    tools: string[];
    reason: string | null;
    provedBy?: string;
  }> = [];
  alerts: object[] = [];
  /** Container → what it has written. */
  readonly logs = new Map<string, Array<{ at: string; stream: "stdout" | "stderr"; text: string }>>();
  /** Prometheus answers nothing. */
  blind = false;
  private readonly server: Server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "", "http://x");
    const token = request.headers.authorization?.replace("Bearer ", "") ?? "";
    const [status, body] = this.answer(pathname, searchParams, token);
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  });

  /** @param count servers, all well. */
  constructor(count: number) {
    this.servers = Array.from({ length: count }, (_, index) => ({
      ...{ name: `server-${index + 1}`, state: "healthy", ageSeconds: 2, tools: ["a", "b"], reason: null },
    }));
  }

  async listen(): Promise<MonitorContract> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(this.server.address() as { port: number }).port}`;
    return {
      ...{ version: 1, estate: "mcp-estate", stack: "dev", limits: limitClasses.light },
      ...{ gatewayUrl: url, prometheusUrl: url, alertmanagerUrl: url, collectorUrl: url },
    };
  }

  close(): Promise<void> {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(() => resolve()));
  }

  private answer(path: string, parameters: URLSearchParams, token: string): [number, unknown] {
    if (path === "/servers" || path === "/metrics") {
      const admin = this.tokens.get(token);
      if (admin === undefined) return [401, {}];
      return path === "/metrics" ? [admin ? 200 : 403, ""] : [200, { servers: this.servers }];
    }
    if (path === "/tail") {
      const container = parameters.get("container") ?? "";
      const lines = this.logs.get(container);
      return lines ? [200, { container, lines }] : [404, {}];
    }
    if (path === "/api/v2/alerts") return [200, this.alerts];
    if (this.blind) return [503, {}];
    const query = parameters.get("query") ?? "";
    if (path === "/api/v1/query") return [200, { data: { result: this.instant(query) } }];
    if (path === "/api/v1/query_range") return [200, { data: { result: this.range(parameters) } }];
    return [404, {}];
  }

  private instant(query: string): object[] {
    if (!query.startsWith("max by (container)")) return [];
    const value = query.includes("memory_bytes")
      ? (query.includes("mcp_guard_limit") ? 256 : 64) * MIB
      : query.includes("mcp_guard_limit")
        ? 32
        : query.includes("tasks")
          ? 12
          : 3;
    return this.servers.map(({ name }) => ({ metric: { container: name }, value: [0, String(value)] }));
  }

  private range(parameters: URLSearchParams): object[] {
    const [start, end, step] = ["start", "end", "step"].map((name) => Number(parameters.get(name)));
    if (start === undefined || end === undefined || step === undefined) return [];
    return this.servers.map(({ name }, index) => {
      const values: Array<[number, string]> = [];
      for (let time = start; time <= end; time += step)
        values.push([time, String(0.3 + 0.2 * Math.sin(time / 600 + index))]);
      return { metric: { container: name }, values };
    });
  }
}
