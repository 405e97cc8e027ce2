import type Docker from "dockerode";
import { checkInputs } from "../bridged/check.ts";
import { diffProperties } from "../bridged/diff.ts";
import { readInputs } from "../bridged/read.ts";
import { previewOutputs, withoutDefaults } from "../bridged/state.ts";
import type { OperationContext, ResourceType } from "../resourceType.ts";
import { ResourceInitError } from "../resourceType.ts";
import { asText } from "../values.ts";
import type { ValueMap } from "../values.ts";
import { dockerOf, isNotFound, orGone } from "./connection.ts";
import { importedContainer } from "./containerImport.ts";
import { attachNetworks, bringUp, upload } from "./containerLifecycle.ts";
import { containerInputs, createOptions, resources } from "./containerOptions.ts";
import { containerRefusals } from "./containerRefusals.ts";
import { declaredState, failedState, observedState } from "./containerState.ts";
import { pullImage } from "./pullImage.ts";
import { dockerProperties } from "./properties.ts";

const PROPERTIES = dockerProperties.container;

/** docker:index/container:Container. The old container always goes before its replacement comes. */
export const container: ResourceType = {
  check: (inputs, context) => checkInputs(inputs, PROPERTIES, context, containerRefusals),
  diff: ({ oldOutputs, inputs }) => ({ ...diffProperties(oldOutputs, inputs, PROPERTIES), deleteBeforeReplace: true }),
  preview: (inputs, olds) => previewOutputs(inputs, olds, PROPERTIES),

  async create(inputs, context) {
    const docker = dockerOf(context);
    const declared = plain(inputs);
    const created = await createContainer(docker, declared, context);
    let logs: string | undefined;
    try {
      const { networksAdvanced = [], uploads = [] } = containerInputs(declared);
      await attachNetworks(docker, created.id, networksAdvanced);
      await upload(created, uploads);
      if (declared["start"] !== false) logs = await bringUp(created, containerInputs(declared), context);
    } catch (error) {
      // The container is there: it stays in the state, and the next deployment replaces it.
      throw new ResourceInitError(errorText(error), created.id, inputs, failedState(declared));
    }
    const found = await orGone(created.inspect());
    // One with `rm` may have ended and gone already; what it left is in the logs.
    const outputs = found === undefined ? failedState(declared) : declaredState(found, declared);
    return { id: created.id, outputs: { ...outputs, ...(logs === undefined ? {} : { containerLogs: logs }) } };
  },

  async update({ id, inputs }, context) {
    const running = dockerOf(context).getContainer(id);
    const declared = plain(inputs);
    await running.update(resources(containerInputs(declared)));
    const { State } = await running.inspect();
    if (declared["mustRun"] !== false && declared["start"] !== false && !State.Running) await running.start();
    return declaredState(await running.inspect(), declared);
  },

  async read(id, oldInputs, _oldOutputs, context) {
    const docker = dockerOf(context);
    const found = await orGone(docker.getContainer(id).inspect());
    if (found === undefined) return undefined;
    const declared = oldInputs === undefined ? await importedContainer(docker, found) : plain(oldInputs);
    const outputs = observedState(found, declared);
    return { id: found.Id, outputs, inputs: readInputs(oldInputs, outputs, PROPERTIES) };
  },

  async delete(id, outputs, context) {
    const doomed = dockerOf(context).getContainer(id);
    try {
      const grace = Number(outputs["destroyGraceSeconds"] ?? 0);
      if (grace > 0) await stop(doomed, grace);
      await doomed.remove({ force: true, v: outputs["removeVolumes"] !== false });
    } catch (error) {
      if (isNotFound(error)) return;
      if (!isBeingRemoved(error)) throw error;
      await doomed.wait({ condition: "removed" }).catch((gone: unknown) => {
        if (!isNotFound(gone)) throw gone;
      });
    }
  },
};

function plain(inputs: ValueMap): ValueMap {
  return withoutDefaults(inputs) as ValueMap;
}

/** Creates it; an image that is not there yet is pulled first, as the official plugin does. */
async function createContainer(
  docker: Docker,
  declared: ValueMap,
  context: OperationContext,
): Promise<Docker.Container> {
  const { name, platform } = declared;
  // Apart, or dockerode repeats the whole request, secrets included, in its address.
  const parts = {
    _query: { name, ...(platform ? { platform } : {}) },
    _body: createOptions(containerInputs(declared)),
  };
  const options = parts as unknown as Docker.ContainerCreateOptions;
  try {
    return await docker.createContainer(options);
  } catch (error) {
    if (!isNotFound(error) || !/no such image/i.test(errorText(error))) throw error;
    await pullImage(docker, asText(declared["image"]), context);
    return docker.createContainer(options);
  }
}

/** Docker answers 304 when it is stopped already. */
async function stop(running: Docker.Container, graceSeconds: number): Promise<void> {
  try {
    await running.stop({ t: graceSeconds });
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode !== 304) throw error;
  }
}

function isBeingRemoved(error: unknown): boolean {
  return (error as { statusCode?: number }).statusCode === 409 && /already in progress/.test(errorText(error));
}

function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
