import type Docker from "dockerode";
import { checkInputs, defaultsOf } from "../bridged/check.ts";
import { diffProperties } from "../bridged/diff.ts";
import { readInputs } from "../bridged/read.ts";
import { filled } from "../bridged/schema.ts";
import { bridged, previewOutputs } from "../bridged/state.ts";
import type { CheckFailure, ResourceType } from "../resourceType.ts";
import { asText } from "../values.ts";
import type { ValueMap } from "../values.ts";
import { dockerOf, isNotFound, orGone } from "./connection.ts";
import { dockerProperties, labelList, labelMap } from "./properties.ts";

const PROPERTIES = dockerProperties.volume;
const META = { schema_version: "1" };

/** docker:index/volume:Volume. Every change replaces it, and its data is gone: the official plugin does the same. */
export const volume: ResourceType = {
  check: (inputs, context) => checkInputs(inputs, PROPERTIES, context, refusals),
  diff: ({ oldOutputs, inputs }) => ({
    ...diffProperties(oldOutputs, inputs, PROPERTIES),
    deleteBeforeReplace: !defaultsOf(inputs).includes("name"),
  }),
  preview: (inputs, olds) => previewOutputs(inputs, olds, PROPERTIES),
  async create(inputs, context) {
    const docker = dockerOf(context);
    const created = await docker.createVolume({
      Name: asText(inputs["name"]),
      Labels: labelMap(inputs["labels"]),
      ...(inputs["driver"] ? { Driver: asText(inputs["driver"]) } : {}),
      ...(inputs["driverOpts"] ? { DriverOpts: inputs["driverOpts"] as Record<string, string> } : {}),
    });
    const name = (created as { Name?: string; name?: string }).Name ?? asText(inputs["name"]);
    return { id: name, outputs: outputsOf(await docker.getVolume(name).inspect(), inputs) };
  },
  async read(id, oldInputs, _oldOutputs, context) {
    const found = await orGone(dockerOf(context).getVolume(id).inspect());
    if (found === undefined) return undefined;
    const outputs = outputsOf(found, oldInputs ?? {});
    return { id: found.Name, outputs, inputs: readInputs(oldInputs, outputs, PROPERTIES) };
  },
  async delete(id, _outputs, context) {
    try {
      await dockerOf(context).getVolume(id).remove();
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  },
};

function refusals(inputs: ValueMap): CheckFailure[] {
  if (inputs["cluster"] === undefined) return [];
  const reason =
    "cluster volumes (Docker Swarm with a CSI driver) are not offered by this stand-in: leave `cluster` out";
  return [{ property: "cluster", reason: `${reason}; given: ${JSON.stringify(inputs["cluster"])}` }];
}

function outputsOf(found: Docker.VolumeInspectInfo, inputs: ValueMap): ValueMap {
  const outputs: ValueMap = {
    ...filled(inputs, PROPERTIES),
    id: found.Name,
    name: found.Name,
    driver: found.Driver,
    driverOpts: found.Options !== null && Object.keys(found.Options).length > 0 ? found.Options : null,
    labels: labelList(found.Labels),
    mountpoint: found.Mountpoint,
  };
  return bridged(outputs, inputs, PROPERTIES, META);
}
