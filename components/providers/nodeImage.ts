import { isDeepStrictEqual } from "node:util";
import type { DiffResult, ReadResult, ResourceProvider } from "@pulumi/pulumi/dynamic/index.js";
import { connect, connectTo } from "./docker.ts";
import { finish, inspectTag } from "./images/docker.ts";

export interface NodeImageInputs {
  tag: string;
  imageId: string;
  /** Host name → how its Docker is reached; "": the connected one. */
  nodes: Readonly<Record<string, string>>;
  /** Host names of nodes that lack it; declared as none. */
  missing: readonly string[];
}

/**
 * Copies the image from the connected Docker to each node that lacks it, one after the other: they share one wire.
 * @throws Error naming the node and what to do.
 */
export async function copyToNodes(inputs: NodeImageInputs): Promise<NodeImageInputs> {
  for (const node of await nodesWithout(inputs)) await copyTo(node, inputs);
  return { ...inputs, missing: [] };
}

async function copyTo(node: string, { tag, imageId, nodes }: NodeImageInputs): Promise<void> {
  const target = connectTo(nodes[node]);
  try {
    const stream = await connect().getImage(tag).get();
    await finish(target, await target.loadImage(stream));
  } catch (error) {
    const { message } = error as Error;
    const advice = /no space left/i.test(message) ? "free space on its disk" : `does ${nodes[node] ?? ""} answer?`;
    throw new Error(`image ${tag} cannot be brought to node ${node}: ${message}; ${advice}`, { cause: error });
  }
  const loaded = await inspectTag(target, tag);
  if (loaded?.Id !== imageId) {
    throw new Error(
      `image ${tag} on node ${node} is ${loaded?.Id ?? "not there"} after it was copied; expected ${imageId}`,
    );
  }
}

/** Host names of nodes other than the connected Docker that lack the image. @throws Error naming one that does not answer. */
export async function nodesWithout({ imageId, nodes }: NodeImageInputs): Promise<string[]> {
  const others = Object.entries(nodes).filter(([, host]) => host !== "");
  const states = await Promise.all(
    others.map(async ([node, host]) => {
      try {
        return { node, has: (await inspectTag(connectTo(host), imageId)) !== undefined };
      } catch (error) {
        throw new Error(`node ${node} cannot be asked for its images at ${host}: ${(error as Error).message}`, {
          cause: error,
        });
      }
    }),
  );
  return states.filter(({ has }) => !has).map(({ node }) => node);
}

export function diffNodeImage(olds: NodeImageInputs, news: NodeImageInputs): DiffResult {
  const keys = ["tag", "imageId", "nodes", "missing"] as const;
  return { changes: keys.some((key) => !isDeepStrictEqual(olds[key], news[key])) };
}

export const provider: ResourceProvider<NodeImageInputs, NodeImageInputs> = {
  create: async (inputs) => ({ id: inputs.tag, outs: await copyToNodes(inputs) }),
  async read(id, state): Promise<ReadResult<NodeImageInputs>> {
    if (!state) return {};
    // A node that does not answer is told of by the resource of nodes.
    const missing = await nodesWithout(state).catch(() => []);
    const current = { ...state, missing };
    return { id, props: current, inputs: current };
  },
  diff: (_id, olds, news) => Promise.resolve(diffNodeImage(olds, news)),
  update: async (_id, _olds, news) => ({ outs: await copyToNodes(news) }),
  // No delete: earlier deployments are rolled back to.
};
