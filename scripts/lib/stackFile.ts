import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { messageOf, UserError } from "./userError.ts";

const settings = z
  .object({
    secretsprovider: z.string().optional(),
    encryptionsalt: z.string().optional(),
    config: z.record(z.string(), z.unknown()).optional(),
  })
  .nullable();

export interface StackFile {
  file: string;
  secretsProvider: string | undefined;
  /** Whether values or state of this stack are encrypted with a passphrase already. */
  hasSalt: boolean;
  config: Record<string, unknown>;
}

/**
 * Reads Pulumi.STACK.yaml; undefined where there is none.
 * @param file another one in its place.
 * @throws UserError when it is not YAML of that shape.
 */
export function readStackFile(
  project: string,
  stack: string,
  file = stackFilePath(project, stack),
): StackFile | undefined {
  if (!existsSync(file)) return undefined;
  try {
    const read = settings.parse(parse(readFileSync(file, "utf8"))) ?? {};
    return {
      file,
      secretsProvider: read.secretsprovider,
      hasSalt: read.encryptionsalt !== undefined,
      config: read.config ?? {},
    };
  } catch (error) {
    const reason = messageOf(error).split("\n")[0] ?? "";
    throw new UserError(`${file} cannot be read: ${reason}; it must be YAML with a "config:" map`);
  }
}

/** @throws UserError that names the stacks there are, when this one has no file. */
export function requireStackFile(project: string, stack: string, file?: string): StackFile {
  const found = readStackFile(project, stack, file);
  if (found !== undefined) return found;
  const others = readdirSync(project).flatMap((name) => /^Pulumi\.(.+)\.yaml$/.exec(name)?.[1] ?? []);
  throw new UserError(
    `there is no stack "${stack}" (no file ${stackFilePath("", stack)}); there ${others.length === 1 ? "is" : "are"} ${others.join(", ") || "none"}: choose one with --stack, or copy Pulumi.dev.yaml to make a new one`,
  );
}

/** A setting by its full key, whether its path is written nested or as "mcp-estate:gateway.port"; undefined when unset. */
export function setting(stackFile: StackFile | undefined, key: string): unknown {
  const config = stackFile?.config ?? {};
  if (config[key] !== undefined) return config[key];
  const [root = "", ...path] = key.split(".");
  return path.reduce<unknown>(
    (value, name) => (typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined),
    config[root],
  );
}

/** "organization/project/dev" and "dev" have the same file. */
function stackFilePath(project: string, stack: string): string {
  return join(project, `Pulumi.${stack.split("/").at(-1) ?? stack}.yaml`);
}
