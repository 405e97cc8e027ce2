import * as pulumi from "@pulumi/pulumi";

/** A resource that a component declared, as the engine would get it. */
export interface Declared {
  type: string;
  name: string;
  inputs: Record<string, unknown>;
}

/** Answers every resource with its inputs as outputs and `NAME-id` as id, and records what was declared. */
export async function recordResources(declare: () => pulumi.Resource | Promise<pulumi.Resource>): Promise<Declared[]> {
  const seen: Declared[] = [];
  await pulumi.runtime.setMocks(
    {
      newResource: (args) => {
        seen.push({ type: args.type, name: args.name, inputs: args.inputs as Record<string, unknown> });
        const inputs = args.inputs as Record<string, unknown>;
        return {
          id: `${args.name}-id`,
          state: { name: args.name, imageId: `sha256:${args.name}`, result: `secret of ${args.name}`, ...inputs },
        };
      },
      call: (args) => args.inputs as Record<string, unknown>,
    },
    "mcp-estate",
    "test",
  );
  await declare();
  await pulumi.runtime.disconnect();
  return seen;
}

/** The one resource of a type (its last part) and, where given, a name. */
export function only(seen: readonly Declared[], type: string, name?: string): Declared {
  const found = seen.filter(
    (each) => each.type.split(":").at(-1) === type && (name === undefined || each.name === name),
  );
  if (found.length !== 1 || !found[0]) {
    throw new Error(
      `${found.length} of ${type} ${name ?? ""} among ${seen.map((each) => `${each.type} ${each.name}`).join(", ")}`,
    );
  }
  return found[0];
}
