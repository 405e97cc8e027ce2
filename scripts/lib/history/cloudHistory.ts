import { z } from "zod";
import { capture } from "../exec.ts";
import type { Prepared } from "../prepare.ts";
import { messageOf, UserError } from "../userError.ts";
import { releaseOf, type Version } from "./version.ts";

const valueSchema = z.object({
  value: z.string().optional(),
  objectValue: z.unknown().optional(),
  secret: z.boolean().default(false),
});
const historySchema = z.array(
  z.object({
    version: z.number(),
    kind: z.string(),
    startTime: z.string(),
    message: z.string().default(""),
    result: z.string(),
    config: z.record(z.string(), valueSchema).default({}),
  }),
);
const exportSchema = z.object({
  deployment: z.object({
    resources: z
      .array(z.looseObject({ type: z.string(), outputs: z.record(z.string(), z.unknown()).optional() }))
      .default([]),
  }),
});

/** Versions that are looked at: each asks the service once. */
const LIMIT = 30;

/**
 * The newest versions of a stack that a service keeps, oldest first.
 * @throws UserError when the engine cannot say.
 */
export async function readCloudHistory(prepared: Prepared, project: string, stack: string): Promise<Version[]> {
  const run = (...args: string[]) => askEngine(prepared, project, ["stack", ...args, "--stack", stack]);
  const entries = historySchema.parse(await run("history", "--json", "--page-size", String(LIMIT)));
  const versions: Version[] = [];
  for (const { version, startTime, config, ...entry } of entries.toSorted((a, b) => a.version - b.version)) {
    const found: Version = { ...entry, number: version, time: new Date(startTime), config: asStackFile(config) };
    const recorded = entry.kind === "update" && entry.result === "succeeded";
    versions.push(recorded ? { ...found, ...(await releaseAt(version)) } : found);
  }
  return versions;

  async function releaseAt(version: number): Promise<Pick<Version, "release" | "fault">> {
    try {
      const { deployment } = exportSchema.parse(await run("export", "--version", String(version)));
      const release = releaseOf(deployment.resources.find(({ type }) => type === "pulumi:pulumi:Stack")?.outputs);
      return release === undefined ? {} : { release };
    } catch (error) {
      return { fault: messageOf(error).split("\n")[0] ?? "" };
    }
  }
}

/** The service masks secrets; their keys stay, so that a difference of keys is seen and a value never. */
function asStackFile(config: Record<string, z.infer<typeof valueSchema>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(config).map(([key, { value, objectValue, secret }]) => [
      key,
      secret ? { secure: "" } : (objectValue ?? value),
    ]),
  );
}

async function askEngine(prepared: Prepared, project: string, args: readonly string[]): Promise<unknown> {
  const { code, stdout, stderr } = await capture(prepared.engine.file, args, { cwd: project, env: prepared.env });
  if (code !== 0) throw new UserError(`pulumi ${args.slice(0, 2).join(" ")} failed: ${stderr.trim()}`);
  return JSON.parse(stdout) as unknown;
}
