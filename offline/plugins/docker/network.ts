import { setTimeout as sleep } from "node:timers/promises";
import type Docker from "dockerode";
import { checkInputs, defaultsOf } from "../bridged/check.ts";
import { diffProperties } from "../bridged/diff.ts";
import { bridged, previewOutputs } from "../bridged/state.ts";
import { filled } from "../bridged/schema.ts";
import { readInputs } from "../bridged/read.ts";
import type { CheckFailure, ResourceType } from "../resourceType.ts";
import { asText } from "../values.ts";
import type { Value, ValueMap } from "../values.ts";
import { dockerOf, isNotFound, orGone } from "./connection.ts";
import { dockerProperties, labelList, labelMap } from "./properties.ts";

const PROPERTIES = dockerProperties.network;
const META = { schema_version: "1" };
/**
 * How long a removal waits for the last container to leave, as the official plugin does: when several networks of one
 * container are replaced, the engine does not wait for it before each of them.
 */
const REMOVAL_MILLISECONDS = 30_000;
const POLL_MILLISECONDS = 200;

/** docker:index/network:Network. Every change replaces; a removed network comes back at the next deployment. */
export const network: ResourceType = {
  check: (inputs, context) => checkInputs(inputs, PROPERTIES, context, refusals),
  diff: ({ oldOutputs, inputs }) => ({
    ...diffProperties(oldOutputs, inputs, PROPERTIES),
    // A name of the program's own cannot be had twice: the old network goes first.
    deleteBeforeReplace: !defaultsOf(inputs).includes("name"),
  }),
  preview: (inputs, olds) => previewOutputs(inputs, olds, PROPERTIES),
  async create(inputs, context) {
    const docker = dockerOf(context);
    const { id } = await docker.createNetwork(createOptions(inputs));
    return { id, outputs: outputsOf(await docker.getNetwork(id).inspect(), inputs) };
  },
  async read(id, oldInputs, _oldOutputs, context) {
    const found = await orGone(dockerOf(context).getNetwork(id).inspect());
    if (found === undefined) return undefined;
    const outputs = outputsOf(found, oldInputs ?? {});
    return { id: found.Id, outputs, inputs: readInputs(oldInputs, outputs, PROPERTIES) };
  },
  async delete(id, _outputs, context) {
    const doomed = dockerOf(context).getNetwork(id);
    const end = Date.now() + REMOVAL_MILLISECONDS;
    for (;;) {
      try {
        await doomed.remove();
        return;
      } catch (error) {
        if (isNotFound(error)) return;
        if (!/has active endpoints/.test(String(error)) || Date.now() > end) throw error;
      }
      await sleep(POLL_MILLISECONDS, undefined, { signal: context.cancelled });
    }
  },
};

function refusals(inputs: ValueMap): CheckFailure[] {
  if (inputs["ingress"] === true && inputs["driver"] !== "overlay") {
    return [
      {
        property: "ingress",
        reason: `ingress is true, but driver is ${JSON.stringify(inputs["driver"] ?? "bridge")}: it needs driver "overlay"`,
      },
    ];
  }
  return [];
}

function createOptions(inputs: ValueMap): Docker.NetworkCreateOptions {
  const ipam = (inputs["ipamConfigs"] ?? []) as {
    subnet?: string;
    gateway?: string;
    ipRange?: string;
    auxAddress?: Record<string, string>;
  }[];
  const options = {
    Name: asText(inputs["name"]),
    CheckDuplicate: true,
    Driver: (inputs["driver"] as string | undefined) ?? "bridge",
    Internal: inputs["internal"] === true,
    Attachable: inputs["attachable"] === true,
    Ingress: inputs["ingress"] === true,
    EnableIPv6: inputs["ipv6"] === true,
    Labels: labelMap(inputs["labels"]),
    Options: (inputs["options"] ?? {}) as Record<string, string>,
    IPAM: {
      Driver: (inputs["ipamDriver"] as string | undefined) ?? "default",
      Options: (inputs["ipamOptions"] ?? undefined) as Record<string, string> | undefined,
      Config: ipam.map(({ subnet, gateway, ipRange, auxAddress }) => ({
        ...(subnet ? { Subnet: subnet } : {}),
        ...(gateway ? { Gateway: gateway } : {}),
        ...(ipRange ? { IPRange: ipRange } : {}),
        ...(auxAddress ? { AuxiliaryAddresses: auxAddress } : {}),
      })),
    },
  };
  return options;
}

interface Inspected {
  Id: string;
  Name: string;
  Driver: string;
  Scope: string;
  Internal: boolean;
  Attachable: boolean;
  Ingress: boolean;
  EnableIPv6: boolean;
  Labels: Record<string, string> | null;
  Options: Record<string, string> | null;
  IPAM: {
    Driver: string;
    Options: Record<string, string> | null;
    Config:
      | {
          Subnet?: string;
          Gateway?: string;
          IPRange?: string;
          AuxiliaryAddresses?: Record<string, string>;
          AuxAddress?: Record<string, string>;
        }[]
      | null;
  };
}

function outputsOf(info: Docker.NetworkInspectInfo, inputs: ValueMap): ValueMap {
  const found = info as unknown as Inspected;
  const outputs: ValueMap = {
    ...filled(inputs, PROPERTIES),
    id: found.Id,
    name: found.Name,
    driver: found.Driver,
    scope: found.Scope,
    internal: found.Internal,
    attachable: found.Attachable,
    ingress: found.Ingress,
    ipv6: found.EnableIPv6,
    labels: labelList(found.Labels),
    options: found.Options ?? {},
    ipamDriver: found.IPAM.Driver,
    ipamOptions: nonEmpty(found.IPAM.Options),
    ipamConfigs: (found.IPAM.Config ?? []).map(({ Subnet, Gateway, IPRange, AuxiliaryAddresses, AuxAddress }) => ({
      // As recorded: of a swarm's network it is never null.
      auxAddress: nonEmpty(AuxiliaryAddresses ?? AuxAddress) ?? (found.Scope === "swarm" ? {} : null),
      gateway: Gateway ?? "",
      ipRange: IPRange ?? "",
      subnet: Subnet ?? "",
    })),
  };
  return bridged(outputs, inputs, PROPERTIES, META);
}

function nonEmpty(map: Record<string, string> | null | undefined): Value {
  return map === null || map === undefined || Object.keys(map).length === 0 ? null : map;
}
