import { isDeepStrictEqual } from "node:util";
import type {
  CheckFailure,
  CheckResult,
  DiffResult,
  ReadResult,
  ResourceProvider,
} from "@pulumi/pulumi/dynamic/index.js";
import type Docker from "dockerode";
import { connect, isNotFound } from "./docker.ts";

export interface PulledImageInputs {
  component: string;
  reference: string;
  mountPoints: readonly string[];
}

export interface PulledImageState extends PulledImageInputs {
  /** Content-addressed id, `sha256:…`. */
  imageId: string;
}

/** At preview, where the host has the image already; else the update says it. */
export async function checkPulledImage(inputs: PulledImageInputs): Promise<CheckResult<PulledImageInputs>> {
  const image = await inspect(inputs.reference);
  return { inputs, failures: image ? uncovered(inputs, volumesOf(image)) : [] };
}

/**
 * Has the image on the host.
 * @throws Error when it is neither there nor to be had, or declares a volume that nothing is mounted on.
 */
export async function pullImage(inputs: PulledImageInputs): Promise<PulledImageState> {
  const image = (await inspect(inputs.reference)) ?? (await pull(inputs));
  const [failure] = uncovered(inputs, volumesOf(image));
  if (failure) throw new Error(failure.reason);
  return { ...inputs, imageId: image.Id };
}

/** `{}` when the image is gone, so that the next update has it again. */
export async function readPulledImage(id: string, state: PulledImageState | undefined): Promise<ReadResult> {
  if (!state || !(await inspect(state.imageId))) return {};
  return { id, props: state };
}

export function diffPulledImage(olds: PulledImageInputs, news: PulledImageInputs): DiffResult {
  const keys = ["component", "reference", "mountPoints"] as const;
  return {
    changes: keys.some((key) => !isDeepStrictEqual(olds[key], news[key])),
    replaces: olds.reference === news.reference ? [] : ["reference"],
  };
}

/** Volumes of the image that the service mounts nothing on. */
export function uncovered(
  { component, reference, mountPoints }: PulledImageInputs,
  volumes: readonly string[],
): CheckFailure[] {
  const bare = volumes.filter((path) => !mountPoints.includes(path));
  return bare.map((path) => ({
    property: "mountPoints",
    reason: `${component}: image ${reference} keeps data in ${path}, and nothing is mounted there: it would lie on a volume without a name and go with the container; mount a volume, a folder of the host or a tmpfs at ${path}`,
  }));
}

function volumesOf({ Config }: Docker.ImageInspectInfo): string[] {
  return Object.keys(Config.Volumes ?? {}).sort();
}

async function pull({ component, reference }: PulledImageInputs): Promise<Docker.ImageInspectInfo> {
  const docker = connect();
  try {
    // Without a tag Docker would fetch all of them.
    const progress = await docker.pull(/[:@][^/]*$/.test(reference) ? reference : `${reference}:latest`);
    await new Promise<void>((resolve, reject) => {
      docker.modem.followProgress(progress, (error: Error | null) => (error === null ? resolve() : reject(error)));
    });
    return await docker.getImage(reference).inspect();
  } catch (error) {
    throw new Error(
      `${component}: image "${reference}" is not on the Docker host and cannot be pulled (${(error as Error).message}); give a reference that its registry has, or load the image with docker load`,
      { cause: error },
    );
  }
}

async function inspect(reference: string): Promise<Docker.ImageInspectInfo | undefined> {
  try {
    return await connect().getImage(reference).inspect();
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

export const provider: ResourceProvider<PulledImageInputs, PulledImageState> = {
  check: (_olds, news) => checkPulledImage(news),
  create: async (inputs) => ({ id: inputs.reference, outs: await pullImage(inputs) }),
  read: (id, state) => readPulledImage(id, state),
  diff: (_id, olds, news) => Promise.resolve(diffPulledImage(olds, news)),
  update: async (_id, _olds, news) => ({ outs: await pullImage(news) }),
  // No delete: a rollback needs it.
};
