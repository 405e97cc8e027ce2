import { setTimeout as sleep } from "node:timers/promises";
import type Docker from "dockerode";
import { checkInputs, defaultsOf } from "../bridged/check.ts";
import { diffProperties } from "../bridged/diff.ts";
import { readInputs } from "../bridged/read.ts";
import { elementProperties, type Properties, type Property } from "../bridged/schema.ts";
import { previewOutputs, withoutDefaults } from "../bridged/state.ts";
import type { CheckFailure, DiffKind, DiffResult, OperationContext, ResourceType } from "../resourceType.ts";
import { ResourceInitError } from "../resourceType.ts";
import { isMap, type ValueMap } from "../values.ts";
import { dockerOf, isNotFound, orGone } from "./connection.ts";
import { dockerProperties } from "./properties.ts";
import { converge, NotConverged } from "./serviceConverge.ts";
import { serviceSpec } from "./serviceSpec.ts";
import { declaredState, observedState, type FoundService } from "./serviceState.ts";

const PROPERTIES = dockerProperties.service;
/** What the official plugin finds to add to each service that was not refreshed since its creation, and changes nothing. */
const NOISE = "taskSpec.containerSpec.sysctl";
/** Tasks get their time to end, and Docker some more. */
const REMOVAL_MILLISECONDS = 60_000;
const POLL_MILLISECONDS = 300;

/** docker:index/service:Service of a swarm. */
export const service: ResourceType = {
  check(inputs, context) {
    const result = checkInputs(inputs, PROPERTIES, context, () => []);
    return { ...result, failures: [...result.failures, ...conflicts(result.inputs, context.name)] };
  },
  diff: ({ oldOutputs, inputs }) => diffService(oldOutputs, inputs),
  preview: (inputs, olds) => previewOutputs(inputs, olds, PROPERTIES),

  async create(inputs, context) {
    const docker = dockerOf(context);
    const { id } = (await docker.createService(optionsOf(inputs))) as unknown as { id: string };
    try {
      await converge(docker, id, plain(inputs), undefined, context.cancelled);
    } catch (error) {
      if (error instanceof NotConverged) await docker.getService(id).remove();
      throw error;
    }
    return { id, outputs: declaredState(await find(docker, id), inputs) };
  },

  async update({ id, inputs, oldInputs }, context) {
    const docker = dockerOf(context);
    const before = await find(docker, id);
    await docker.getService(id).update({ version: before.Version.Index, ...optionsOf(inputs) });
    try {
      await converge(docker, id, plain(inputs), before.UpdateStatus?.StartedAt, context.cancelled);
    } catch (error) {
      // As recorded: the inputs stay the old ones, the outputs are what was wanted.
      const outputs = declaredState(await find(docker, id), inputs);
      throw new ResourceInitError(error instanceof Error ? error.message : String(error), id, oldInputs, outputs);
    }
    return declaredState(await find(docker, id), inputs);
  },

  async read(id, oldInputs, oldOutputs, context) {
    const found = await orGone(find(dockerOf(context), id));
    if (found === undefined) return undefined;
    const outputs = observedState(found, oldInputs ?? oldOutputs);
    return { id: found.ID, outputs, inputs: readInputs(oldInputs, outputs, PROPERTIES) };
  },

  async delete(id, _outputs, context) {
    const docker = dockerOf(context);
    try {
      await docker.getService(id).remove();
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    await untilEnded(docker, id, context);
  },
};

async function find(docker: Docker, id: string): Promise<FoundService> {
  return (await docker.getService(id).inspect()) as FoundService;
}

/** No look-up of the image in a registry: nodes do their own, and one that cannot be reached would hold all of this up. */
function optionsOf(inputs: ValueMap): Docker.CreateServiceOptions {
  return serviceSpec(plain(inputs));
}

function plain(inputs: ValueMap): ValueMap {
  return withoutDefaults(inputs) as ValueMap;
}

/** Networks can go only when the last container of this Docker is gone; other nodes' are theirs to wait for. */
async function untilEnded(docker: Docker, id: string, { cancelled }: OperationContext): Promise<void> {
  const end = Date.now() + REMOVAL_MILLISECONDS;
  const filters = { label: [`com.docker.swarm.service.id=${id}`] };
  while ((await docker.listContainers({ all: true, filters })).length > 0 && Date.now() < end) {
    await sleep(POLL_MILLISECONDS, undefined, { signal: cancelled });
  }
}

function conflicts({ mode, convergeConfig }: ValueMap, name: string): CheckFailure[] {
  if (convergeConfig === undefined || !isMap(mode) || mode["global"] !== true) return [];
  const conflict = (one: string, other: string, at: string): CheckFailure => ({
    property: "",
    reason: `Conflicting configuration arguments. "${one}": conflicts with ${other}. Examine values at '${name}.${at}'.`,
  });
  return [
    conflict("mode.0.global", "converge_config", "mode.global"),
    conflict("converge_config", "mode.0.global", "convergeConfig"),
  ];
}

function diffService(olds: ValueMap, inputs: ValueMap): DiffResult {
  const { detailed: found = {} } = diffProperties(olds, inputs, withoutReplacement(PROPERTIES));
  const detailed: Record<string, DiffKind> = {};
  const replaces = new Set<string>();
  for (const [path, kind] of Object.entries(found)) {
    const isWholeSet = !path.endsWith("]") && propertyAt(path)?.kind === "set";
    const needsAnother = replacesAt(path);
    if (needsAnother) replaces.add(topOf(path));
    // A set of blocks that is told of as a whole is replaced without a word of it, unless it goes.
    detailed[path] = needsAnother && !(isWholeSet && kind === "update") ? (`${kind}-replace` as DiffKind) : kind;
  }
  const changed = new Set(Object.keys(detailed).map(topOf));
  if (changed.size > 0 && isUnread(olds)) {
    detailed[NOISE] = replaces.size > 0 ? "add-replace" : "add";
    changed.add("taskSpec");
    if (replaces.size > 0) replaces.add("taskSpec");
  }
  return {
    detailed,
    changed: [...changed],
    replaces: [...replaces],
    deleteBeforeReplace: !defaultsOf(inputs).includes("name"),
  };
}

function isUnread({ taskSpec }: ValueMap): boolean {
  const container = isMap(taskSpec) ? taskSpec["containerSpec"] : undefined;
  return isMap(container) && container["sysctl"] === null;
}

function topOf(path: string): string {
  return path.split(/[.[]/)[0] ?? path;
}

/** Of a block only what is in it decides; of a set of blocks that is told of as a whole, its elements' fields. */
function replacesAt(path: string): boolean {
  const property = propertyAt(path);
  if (property === undefined) return false;
  const fields = elementProperties(property);
  if (fields === undefined || property.kind === "object") return property.replace === true && fields === undefined;
  return property.replace === true || Object.values(fields).some((field) => field.replace === true);
}

/** `taskSpec.containerSpec.labels[0].value`; below a map or a list of texts it is that itself. */
function propertyAt(path: string): Property | undefined {
  let properties: Properties | undefined = PROPERTIES;
  let property: Property | undefined;
  for (const name of path.replaceAll(/\[[^\]]*\]/g, "").split(".")) {
    if (properties === undefined) return property;
    property = properties[name];
    properties = property && elementProperties(property);
  }
  return property;
}

function withoutReplacement(properties: Properties): Properties {
  return Object.fromEntries(
    Object.entries(properties).map(([name, { replace: _replace, ...property }]) => {
      const fields = elementProperties(property);
      return [name, fields ? { ...property, element: withoutReplacement(fields) } : property];
    }),
  );
}
