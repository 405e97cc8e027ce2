import { checkInputs, defaultsOf } from "../bridged/check.ts";
import { diffProperties } from "../bridged/diff.ts";
import { readInputs } from "../bridged/read.ts";
import { filled, type Properties } from "../bridged/schema.ts";
import { bridged, previewOutputs } from "../bridged/state.ts";
import type { CheckFailure, OperationContext, ResourceType } from "../resourceType.ts";
import { asText, isUnknown, type ValueMap } from "../values.ts";
import { dockerOf, isNotFound, orGone } from "./connection.ts";
import { dockerProperties, labelList, labelMap } from "./properties.ts";

/** What a secret or a config of a swarm is to Docker's API. */
interface SwarmObject {
  ID: string;
  Spec: { Name: string; Labels: Record<string, string> | null; Data?: string };
}

type Kind = "secret" | "config";

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** docker:index/secret:Secret. Docker tells nobody its data: the state is all that knows it. */
export const secret = swarmObject("secret", dockerProperties.secret, { schema_version: "1" });

/** docker:index/serviceConfig:ServiceConfig. */
export const serviceConfig = swarmObject("config", dockerProperties.serviceConfig, undefined);

/** Every change replaces; a removed one comes back at the next deployment. */
function swarmObject(kind: Kind, properties: Properties, meta: ValueMap | undefined): ResourceType {
  const outputsOf = (found: SwarmObject, inputs: ValueMap): ValueMap => {
    const data = found.Spec.Data ?? inputs["data"] ?? null;
    const own = { id: found.ID, name: found.Spec.Name, labels: labelList(found.Spec.Labels), data };
    return bridged({ ...filled(inputs, properties), ...own }, inputs, properties, meta);
  };
  const objectOf = (id: string, context: Pick<OperationContext, "config">) =>
    kind === "secret" ? dockerOf(context).getSecret(id) : dockerOf(context).getConfig(id);
  const inspect = async (id: string, context: Pick<OperationContext, "config">): Promise<SwarmObject> =>
    (await objectOf(id, context).inspect()) as SwarmObject;
  return {
    check: (inputs, context) => checkInputs(inputs, properties, context, refusals),
    diff: ({ oldOutputs, inputs }) => ({
      ...diffProperties(oldOutputs, inputs, properties),
      // A name of the program's own cannot be had twice: the old one goes first.
      deleteBeforeReplace: !defaultsOf(inputs).includes("name"),
    }),
    preview: (inputs, olds) => previewOutputs(inputs, olds, properties),
    async create(inputs, context) {
      const docker = dockerOf(context);
      const options = {
        Name: asText(inputs["name"]),
        Labels: labelMap(inputs["labels"]),
        Data: base64Of(inputs),
      };
      const made: unknown = await (kind === "secret" ? docker.createSecret(options) : docker.createConfig(options));
      const found = await inspect(idOf(made), context);
      return { id: found.ID, outputs: outputsOf(found, inputs) };
    },
    async read(id, oldInputs, oldOutputs, context) {
      const found = await orGone(inspect(id, context));
      if (found === undefined) return undefined;
      const outputs = outputsOf(found, oldInputs ?? oldOutputs);
      return { id: found.ID, outputs, inputs: readInputs(oldInputs, outputs, properties) };
    },
    async delete(id, _outputs, context) {
      try {
        await objectOf(id, context).remove();
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    },
    secretOutputs: Object.keys(properties).filter((name) => properties[name]?.sensitive),
  };
}

/** dockerode gives an object with the id, under one name or another. */
function idOf(made: unknown): string {
  const { id, ID } = made as { id?: string; ID?: string };
  return id ?? ID ?? "";
}

function base64Of(inputs: ValueMap): string {
  const raw = inputs["dataRaw"];
  return typeof raw === "string" ? Buffer.from(raw).toString("base64") : asText(inputs["data"]);
}

/** Never with the value: it is a secret. */
function refusals(inputs: ValueMap): CheckFailure[] {
  const { data, dataRaw } = inputs;
  if (data !== undefined && dataRaw !== undefined) {
    return [{ property: "data", reason: "data and dataRaw are both given: take one of them out" }];
  }
  if (typeof data !== "string" || isUnknown(data) || BASE64.test(data)) return [];
  return [{ property: "data", reason: 'data is not base64: give Buffer.from(text).toString("base64")' }];
}
