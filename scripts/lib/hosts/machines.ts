import { z } from "zod";
import { capture, type Environment } from "../exec.ts";
import { UserError } from "../userError.ts";

/** Where the engine works on the machines of a stack. */
export interface HostsEngine {
  file: string;
  env: Environment;
  /** Of the machines' own project. */
  folder: string;
  stack: string;
}

/** A machine that is in the state. */
export interface Machine {
  /** In the settings. */
  name: string;
  urn: string;
  id: string;
  ip: string;
  /** Everything that makes it a node is done. */
  isNode: boolean;
}

const exportSchema = z.object({
  deployment: z.object({
    resources: z
      .array(
        z.object({
          urn: z.string(),
          type: z.string(),
          delete: z.boolean().optional(),
          inputs: z.record(z.string(), z.unknown()).optional(),
          outputs: z.record(z.string(), z.unknown()).optional(),
        }),
      )
      .nullish(),
  }),
});
type Resources = NonNullable<z.infer<typeof exportSchema>["deployment"]["resources"]>;

const INSTANCE = /:LambdaInstance$/;

/** Of the engine's state of a stack; none where it has none. */
export async function stateResources({ file, env, folder, stack }: HostsEngine): Promise<Resources> {
  const { code, stdout, stderr } = await capture(file, ["stack", "export", "--stack", stack], { cwd: folder, env });
  if (/no stack named/.test(stderr)) return [];
  if (code !== 0) throw new UserError(`the state of stack "${stack}" cannot be read: ${stderr.trim()}`);
  return exportSchema.parse(JSON.parse(stdout)).deployment.resources ?? [];
}

export async function machinesOf(engine: HostsEngine): Promise<Machine[]> {
  const resources = await stateResources(engine);
  return resources
    .filter(({ type, delete: isOld }) => INSTANCE.test(type) && isOld !== true)
    .map(({ urn, outputs = {} }) => {
      const name = nameOf(urn);
      const id = textOf(outputs["instanceId"]);
      return { name, urn, id, ip: textOf(outputs["ip"]), isNode: resources.some((each) => isJoining(each, name, id)) };
    });
}

/** Of a worker or of the first one, and of this very machine: steps of components/targets/hosts/swarmHost.ts. */
function isJoining({ urn, type, inputs = {} }: Resources[number], name: string, id: string): boolean {
  const isStep = [`${name}-join`, `${name}-swarm`].includes(nameOf(urn));
  const { triggers } = inputs;
  return isStep && type === "command:remote:Command" && Array.isArray(triggers) && triggers.includes(id);
}

const planSchema = z.object({ steps: z.array(z.object({ op: z.string(), urn: z.string() })) });

/**
 * Names of the machines that the next update would give back or replace.
 * @returns undefined where the preview fails.
 */
export async function leavingMachines({ file, env, folder, stack }: HostsEngine): Promise<Set<string> | undefined> {
  const { code, stdout } = await capture(file, ["preview", "--json", "--stack", stack], { cwd: folder, env });
  if (code !== 0) return undefined;
  const leaving = planSchema
    .parse(JSON.parse(stdout))
    .steps.filter(({ op, urn }) => /delete|replace/.test(op) && INSTANCE.test(urn.split("::").at(-2) ?? ""));
  return new Set(leaving.map(({ urn }) => nameOf(urn)));
}

function nameOf(urn: string): string {
  return urn.split("::").at(-1) ?? "";
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
