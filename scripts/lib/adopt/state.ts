import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { capture } from "../exec.ts";
import type { Owner } from "../leftOvers.ts";
import { projectDir } from "../paths.ts";
import type { Prepared } from "../prepare.ts";
import { UserError } from "../userError.ts";
import type { AdoptedNetwork } from "./networks.ts";

/** A container that is taken into the state. */
export interface AdoptedContainer {
  /** Its key in the settings. */
  service: string;
  id: string;
  dockerName: string;
  image: string;
  stopSeconds: number;
  /** Key → name and labels in Docker. */
  volumes: Record<string, { dockerName: string; labels: Readonly<Record<string, string>> }>;
}

/** All that is taken into the state. */
export interface Imports {
  networks: readonly AdoptedNetwork[];
  containers: AdoptedContainer[];
}

const CONTAINER = "docker:index/container:Container";
const NETWORK = "docker:index/network:Network";
const VOLUME = "docker:index/volume:Volume";

const exportSchema = z.looseObject({
  version: z.number(),
  deployment: z.looseObject({
    resources: z.array(z.looseObject({ urn: z.string(), type: z.string(), id: z.string().optional() })).nullish(),
  }),
});

type Resource = Record<string, unknown> & { urn: string; type: string };

/**
 * Takes objects that are there into the stack's state, under the names that the program will ask for. The entries hold no
 * more than identity and how a container is to end: the refresh with which the next update begins reads the rest. They are
 * protected until then: were the settings' entries taken out before, the engine would refuse to remove data.
 * @throws UserError when the stack was never deployed, or with the engine's reason.
 */
export async function importObjects(prepared: Prepared, stack: string, owner: Owner, imports: Imports): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "mcp-estate-adopt-"));
  const file = join(folder, "state.json");
  try {
    await runEngine(prepared, ["stack", "export", "--stack", stack, "--file", file]);
    const state = exportSchema.parse(JSON.parse(readFileSync(file, "utf8")));
    const present = state.deployment.resources ?? [];
    const known = new Set(present.map(({ urn }) => urn));
    const fresh = resourcesOf(owner, imports, dockerProvider(present, stack)).filter(({ urn }) => !known.has(urn));
    state.deployment.resources = [...present, ...fresh];
    writeFileSync(file, JSON.stringify(state), { mode: 0o600 });
    await runEngine(prepared, ["stack", "import", "--stack", stack, "--file", file]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Reference to the provider of all docker resources. @throws UserError when nothing was deployed yet. */
export function dockerProvider(
  resources: readonly { urn: string; type: string; id?: string | undefined }[],
  stack: string,
): string {
  const provider = resources.find(({ type, urn }) => type === "pulumi:providers:docker" && /::default_/.test(urn));
  if (provider?.id) return `${provider.urn}::${provider.id}`;
  throw new UserError(
    `stack "${stack}" has no state to take anything into; deploy it first: npm run up -- --stack ${stack}`,
  );
}

/** The state's entries: each component before its objects, as the engine wants them. */
export function resourcesOf({ estate, stack }: Owner, { networks, containers }: Imports, provider: string): Resource[] {
  const root = `urn:pulumi:${stack}::${estate}::pulumi:pulumi:Stack::${estate}-${stack}`;
  const prefix = `${estate}-${stack}-`;
  const urn = (types: string[], name: string) => `urn:pulumi:${stack}::${estate}::${types.join("$")}::${name}`;
  const component = (types: string[], name: string, parent: string): Resource => {
    return { urn: urn(types, name), type: types.at(-1) ?? "", custom: false, parent };
  };
  const object = (types: string[], name: string, parent: string, id: string, inputs: object, more = {}): Resource => ({
    urn: urn(types, name),
    type: types.at(-1) ?? "",
    custom: true,
    id,
    parent,
    provider,
    protect: true,
    inputs,
    outputs: { ...inputs, id, ...more },
  });
  const schemaVersion = (version: string) => ({ __meta: JSON.stringify({ schema_version: version }) });
  const fromNetwork = (network: AdoptedNetwork): Resource[] => {
    const types = ["mcp:index:SharedNetwork"];
    const owning = component(types, network.key, root);
    const inputs = networkInputs(network);
    return [
      owning,
      object([...types, NETWORK], prefix + network.key, owning.urn, network.id, inputs, schemaVersion("1")),
    ];
  };
  const fromContainer = (each: AdoptedContainer): Resource[] => {
    const types = ["mcp:index:Service"];
    const service = component(types, each.service, root);
    const volumes = Object.entries(each.volumes).flatMap(([key, { dockerName, labels }]) => {
      const volumeTypes = [...types, "mcp:index:StateVolume"];
      const volume = component(volumeTypes, `${each.service}-${key}`, service.urn);
      const inputs = { name: dockerName, labels: labelList(labels) };
      const name = `${prefix}${each.service}-${key}`;
      return [
        volume,
        {
          ...object([...volumeTypes, VOLUME], name, volume.urn, dockerName, inputs, schemaVersion("1")),
          retainOnDelete: true,
        },
      ];
    });
    const inputs = {
      name: each.dockerName,
      image: each.image,
      // It ends as docker stop would end it, and keeps what it has on volumes without a name.
      destroyGraceSeconds: each.stopSeconds,
      removeVolumes: false,
    };
    const container = object(
      [...types, CONTAINER],
      prefix + each.service,
      service.urn,
      each.id,
      inputs,
      schemaVersion("2"),
    );
    // The refresh may read its environment.
    return [service, ...volumes, { ...container, additionalSecretOutputs: ["envs"] }];
  };
  return [...networks.flatMap(fromNetwork), ...containers.flatMap(fromContainer)];
}

function networkInputs({ dockerName, entry, labels, attachable, gateway }: AdoptedNetwork): object {
  return {
    name: dockerName,
    driver: "bridge",
    internal: entry["internal"] === true,
    attachable,
    ipamConfigs: [{ subnet: entry["subnet"], ...(gateway ? { gateway } : {}) }],
    options: entry["options"] ?? {},
    labels: labelList(labels),
  };
}

function labelList(labels: Readonly<Record<string, string>>): { label: string; value: string }[] {
  return Object.entries(labels).map(([label, value]) => ({ label, value }));
}

async function runEngine({ engine, env }: Prepared, args: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await capture(engine.file, [...args], { cwd: projectDir, env });
  if (code !== 0) throw new UserError(`pulumi ${args.slice(0, 2).join(" ")} failed: ${(stderr || stdout).trim()}`);
}
