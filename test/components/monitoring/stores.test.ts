import assert from "node:assert/strict";
import { monitoringSchema } from "../../../components/monitoring/monitoringConfig.ts";
import { grafanaProgram } from "../../../components/monitoring/grafana.ts";
import { jaegerProgram } from "../../../components/monitoring/jaeger.ts";
import { lokiProgram } from "../../../components/monitoring/loki.ts";
import { recordResources, type Declared } from "../engineMocks.ts";

const settings = monitoringSchema.parse({
  collector: { traces: {} },
  loki: { retentionDays: 7 },
  jaeger: {},
  grafana: { password: "canary-of-grafana" },
});
const { loki, jaeger, grafana } = settings;
assert.ok(loki && jaeger && grafana);

/** The one configuration file of a program, as JSON. */
function configOf({ files }: { files: Readonly<Record<string, string>> }): Record<string, unknown> {
  const [text, ...more] = Object.values(files);
  assert.deepEqual(more, []);
  return JSON.parse(text ?? "") as Record<string, unknown>;
}

async function declareStores(): Promise<Declared[]> {
  const { Stores } = await import("../../../components/monitoring/stores.ts");
  const { targetFor } = await import("../../../components/targets/index.ts");
  const { ComponentResource } = await import("@pulumi/pulumi");
  return recordResources(() => {
    const target = targetFor("docker", { estate: "mcp-estate", stack: "test" }, { nodes: {} } as never);
    const parent = new ComponentResource("test:index:Parent", "monitoring");
    const stores = new Stores({ target, settings, subnet: "10.0.0.8/29", protectVolumes: true }, { parent });
    assert.equal(stores.showAll("prometheus-network"), "http://127.0.0.1:3000");
    return parent;
  });
}

describe("Loki, Jaeger and Grafana, by their makers' images (R-MON-01)", () => {
  it("are off unless the stack names them, and then at one version", () => {
    const none = monitoringSchema.parse({});
    assert.deepEqual([none.loki, none.jaeger, none.grafana], [undefined, undefined, undefined]);
    for (const { image } of [loki, jaeger, grafana]) assert.match(image, /^[a-z]+\/[a-z]+:\d+\.\d+\.\d+$/);
  });

  it("Loki keeps lines for as long as the settings say, and tells nobody of it", () => {
    const config = configOf(lokiProgram(loki));
    assert.deepEqual((config["limits_config"] as Record<string, unknown>)["retention_period"], "168h");
    assert.deepEqual((config["compactor"] as Record<string, unknown>)["retention_enabled"], true);
    assert.deepEqual(config["analytics"], { reporting_enabled: false });
  });

  it("Jaeger's pipeline names only what it declares", () => {
    const { service, ...parts } = configOf(jaegerProgram(jaeger)) as {
      service: { extensions: string[]; pipelines: { traces: Record<string, string[]> } };
    } & Record<string, Record<string, unknown>>;
    for (const name of service.extensions) assert.ok(parts["extensions"]?.[name], name);
    for (const [kind, names] of Object.entries(service.pipelines.traces))
      for (const name of names) assert.ok(parts[kind]?.[name], `${kind} ${name}`);
  });

  it("Grafana asks what there is, and shows boards of what it asks", () => {
    const { files } = grafanaProgram(grafana, { prometheus: "http://prometheus:9090" });
    const [sources = ""] = Object.entries(files).flatMap(([path, text]) =>
      path.includes("datasources") ? [text] : [],
    );
    const { datasources } = JSON.parse(sources) as { datasources: Array<{ name: string; isDefault: boolean }> };
    assert.deepEqual(
      datasources.map(({ name, isDefault }) => [name, isDefault]),
      [["prometheus", true]],
    );
    assert.doesNotMatch(Object.values(files).join(""), /mcp-estate-loki/);
  });

  it("run with all limits, read-only, without rights, and with data that stays", async () => {
    const seen = await declareStores();
    const containers = seen.filter(({ type }) => type === "docker:index/container:Container");
    assert.deepEqual(containers.map(({ name }) => name).sort(), [
      "mcp-estate-test-grafana",
      "mcp-estate-test-jaeger",
      "mcp-estate-test-loki",
    ]);
    for (const { inputs } of containers) {
      assert.equal(inputs["readOnly"], true);
      assert.deepEqual(inputs["capabilities"], { adds: [], drops: ["ALL"] });
      assert.ok(Number(inputs["memory"]) > 0 && inputs["memory"] === inputs["memorySwap"]);
    }
    const limits = seen.filter(({ type }) => type.endsWith(":ProcessLimit"));
    assert.equal(limits.length, 3, "a pids limit for each");
    const ports = containers.flatMap(({ inputs }) => inputs["ports"] as Array<{ external: number; ip: string }>);
    assert.deepEqual(ports.map(({ external, ip }) => `${ip}:${external}`).sort(), [
      "127.0.0.1:16686",
      "127.0.0.1:3000",
    ]);
    const volumes = seen.filter(({ type }) => type === "docker:index/volume:Volume").map(({ name }) => name);
    assert.deepEqual(volumes.sort(), ["mcp-estate-test-grafana-data", "mcp-estate-test-loki-data"]);
  });

  it("R-SEC-01: Grafana's password is in no image", async () => {
    const seen = await declareStores();
    const built = seen.filter(({ type }) => type.endsWith(":BuiltImage"));
    assert.doesNotMatch(JSON.stringify(built), /canary-of-grafana/);
  });
});
