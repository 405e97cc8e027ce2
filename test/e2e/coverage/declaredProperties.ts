import { catalogue } from "../../../components/catalogue/index.ts";
import { resolveEstate } from "../../../components/estateConfig.ts";
import { ENGINE_ARGUMENTS, IMAGE_PROPERTIES } from "../../../components/providers/containerFacts.ts";
import { recordResources, type Declared } from "../../components/engineMocks.ts";

/** Resources of a server, or of what stands in front of it, by the last part of their type → first part of a row. */
const ROWS: Readonly<Record<string, (inputs: Record<string, unknown>) => string[]>> = {
  Container: (inputs) => [
    ...Object.keys(inputs)
      .filter((key) => !ENGINE_ARGUMENTS.has(key))
      .flatMap((key) => containerRows(key, inputs[key])),
    ...IMAGE_PROPERTIES.map((key) => `container.${key}`),
    // Neither is an argument: the provider makes the name from the resource's, and ProcessLimit starts it.
    "container.name",
    "container.state",
  ],
  // The other limits are the container's own, or the ladder's in the contract.
  ProcessLimit: () => ["container.pids"],
  SecretFiles: (inputs) => [
    ...Object.keys(inputs)
      .filter((key) => key === "files" || key === "gid")
      .map((key) => `secrets.${key}`),
    ...Object.keys(JSON.parse(String(inputs["contract"])) as object).map((key) => `contract.${key}`),
  ],
  BuiltImage: () => ["image.tag", "image.content", "image.labels"],
  Network: (inputs) =>
    Object.entries(inputs).flatMap(([key, value]) =>
      Array.isArray(value) && key === "ipamConfigs" ? fields(`network.${key}`, value[0]) : [`network.${key}`],
    ),
  Volume: () => ["volume.name", "volume.labels"],
};

function containerRows(key: string, value: unknown): string[] {
  if (key === "healthcheck") return fields(`container.${key}`, value);
  if (key === "ulimits") return (value as Array<{ name: string }>).map(({ name }) => `container.${key}.${name}`);
  if (key === "networksAdvanced") return fields(`container.${key}`, (value as unknown[])[0]);
  return [`container.${key}`];
}

function fields(prefix: string, value: unknown): string[] {
  return Object.keys(value as object).map((field) => `${prefix}.${field}`);
}

/** Every property that the program declares of a server, the gateway and the edge, as the engine gets them; sorted. */
export async function declaredProperties(): Promise<string[]> {
  const seen = await declare();
  const rows = seen.flatMap(({ type, inputs }) => ROWS[type.split(":").at(-1) ?? ""]?.(inputs) ?? []);
  return [...new Set(rows)].sort();
}

async function declare(): Promise<Declared[]> {
  const { McpServer } = await import("../../../components/mcpServer.ts");
  const { Gateway } = await import("../../../components/gateway.ts");
  const { Edge } = await import("../../../components/edge.ts");
  const { targetFor } = await import("../../../components/targets/index.ts");
  const { servers, health, gateway, swarm } = resolveEstate({ servers: { memory: {} } }, catalogue);
  return recordResources(() => {
    const target = targetFor("docker", { estate: "mcp-estate", stack: "test" }, swarm);
    const made = servers.map(
      (server) => new McpServer(server.name, { target, server, health, readySeconds: 60, subnet: "10.1.2.8/29" }),
    );
    const args = { target, gateway, health, readySeconds: 60, subnet: "10.1.2.16/29", servers: made };
    const front = new Gateway("gateway", args);
    return new Edge("edge", { target, settings: gateway, health, subnet: "10.1.2.0/29", gateway: front });
  });
}
