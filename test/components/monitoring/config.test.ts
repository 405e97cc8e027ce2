import assert from "node:assert/strict";
import { catalogue } from "../../../components/catalogue/index.ts";
import { ConfigError, resolveEstate } from "../../../components/estateConfig.ts";
import { alertmanagerConfig } from "../../../components/monitoring/alertmanagerConfig.ts";
import { prometheusConfig } from "../../../components/monitoring/prometheusConfig.ts";

const servers = { memory: {} };
const resolve = (settings: object) => resolveEstate({ servers, ...settings }, catalogue);

function faults(settings: object): string {
  try {
    resolve(settings);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
  }
  return "";
}

describe("settings of the monitoring", () => {
  it("none is declared unless the stack asks", () => {
    const { monitoring, gateway } = resolve({});
    assert.equal(monitoring, undefined);
    assert.deepEqual(
      gateway.callers.map(({ name }) => name),
      ["owner"],
    );
  });

  it("has a caller of its own, which reads metrics and reaches no server", () => {
    const { monitoring, gateway } = resolve({ monitoring: {} });
    assert.deepEqual(monitoring?.retention, { days: 15, mebibytes: 2048 });
    assert.deepEqual(gateway.callers.at(-1)?.rights, { name: "monitoring", admin: true, scopes: {} });
  });

  it("says what cannot be, by name", () => {
    const taken = { monitoring: {}, gateway: { principals: ["monitoring"] } };
    assert.match(faults(taken), /gateway\.principals: "monitoring" is the caller that reads the metrics/);
    assert.match(
      faults({ monitoring: { prometheusPort: 11000 } }),
      /monitoring: ports 11000, 11000, 9093, 3001 of gateway/,
    );
    assert.match(
      faults({ monitoring: {}, servers: { prometheus: { from: "memory" } } }),
      /"prometheus" is the estate's own/,
    );
    assert.match(
      faults({ monitoring: { receivers: { nobody: {} } } }),
      /monitoring\.receivers\.nobody: nothing given; webhookUrl, chatUrl or email says how it is told/,
    );
    assert.match(faults({ monitoring: { scrapeSeconds: 0 } }), /monitoring\.scrapeSeconds: 0 given/);
    assert.equal(faults({ servers: { prometheus: { from: "memory" } } }), "", "the name is free without it");
  });

  it("R-MON-01: says which parts of logs and traces cannot be together, or not alone", () => {
    const url = "https://store.example.org";
    const cases: Array<[object, RegExp]> = [
      [{ loki: {} }, /monitoring\.loki: given without collector, which alone brings lines to it/],
      [
        { loki: {}, collector: { loki: { url } } },
        /collector\.loki: https:\/\/store\.example\.org given, and the stack's own/,
      ],
      [{ jaeger: {}, collector: {} }, /monitoring\.jaeger: given without collector\.traces/],
      [
        { jaeger: {}, collector: { traces: { url } } },
        /collector\.traces\.url: https:.* given, and the stack's own jaeger/,
      ],
      [{ collector: { traces: {} } }, /collector\.traces\.url: nothing given; a URL that takes OTLP, or jaeger: \{\}/],
      [{ grafana: { password: "p", port: 3001 } }, /ports 11000, 9090, 9093, 3001, 3001 of gateway/],
      [{ collector: { loki: { url: "no-url", login: "secret" } } }, /collector\.loki\.url: "no-url" given/],
      [{ collector: { canarySeconds: 0 } }, /canarySeconds: 0 given/],
    ];
    for (const [monitoring, message] of cases) assert.match(faults({ monitoring }), message);
    const good = { collector: { traces: {} }, loki: {}, jaeger: {}, grafana: { password: "p" } };
    assert.equal(faults({ monitoring: good }), "");
  });

  it("R-TGT-07: is refused on a swarm by name", () => {
    const swarm = { target: "swarm", gateway: { bind: "0.0.0.0" }, monitoring: {} };
    assert.match(faults(swarm), /mcp-estate:monitoring: given; target swarm runs no monitoring yet/);
  });

  it("does not show a receiver's address, which is a secret", () => {
    const message = faults({ monitoring: { receivers: { chat: { webhookUrl: "no-address-but-secret" } } } });
    assert.match(message, /monitoring\.receivers\.chat\.webhookUrl: a secret given; a URL/);
    assert.doesNotMatch(message, /no-address/);
  });
});

describe("configurations of the monitoring", () => {
  const prometheus = (tls: boolean) =>
    JSON.parse(
      prometheusConfig({
        scrapeSeconds: 30,
        instances: ["memory", "memory--2"],
        edge: { host: "edge", tls },
        alertmanager: "alertmanager",
        guard: "guard",
      }),
    ) as { global: object; scrape_configs: { job_name: string; scheme?: string; static_configs: object[] }[] };

  it("a scrape ends after ten seconds at most", () => {
    assert.deepEqual(prometheus(false).global, {
      scrape_interval: "30s",
      scrape_timeout: "10s",
      evaluation_interval: "30s",
    });
  });

  it("asks for each container by its name, through the edge", () => {
    const found = prometheus(false).scrape_configs.find(({ job_name }) => job_name === "servers");
    assert.deepEqual(found?.static_configs, [
      { targets: ["edge:8000"], labels: { instance: "memory", __metrics_path__: "/instances/memory/metrics" } },
      { targets: ["edge:8000"], labels: { instance: "memory--2", __metrics_path__: "/instances/memory--2/metrics" } },
    ]);
    assert.equal(found?.scheme, "http");
    assert.equal(prometheus(true).scrape_configs.at(-1)?.scheme, "https");
  });

  it("R-LVL-05: a receiver is told from its level on, the sign of life where it asks for it", () => {
    const receivers = [
      { name: "on-call", webhookUrl: "http://a.example/", fromLevel: 3, watchdog: true },
      { name: "log", webhookUrl: "http://b.example/", fromLevel: 1, watchdog: false },
    ];
    const { route } = JSON.parse(alertmanagerConfig({ receivers, timeScale: 1 })) as {
      route: { receiver: string; routes: { receiver: string; matchers: string[] }[] };
    };
    assert.equal(route.receiver, "nobody");
    assert.deepEqual(
      route.routes.map(({ receiver, matchers }) => [receiver, ...matchers]),
      [
        ["on-call", 'alertname="Watchdog"'],
        ["on-call", 'level=~"[3-4]"', 'alertname!="Watchdog"'],
        ["log", 'level=~"[1-4]"', 'alertname!="Watchdog"'],
      ],
    );
  });
});
