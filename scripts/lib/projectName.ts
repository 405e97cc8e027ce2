import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";

/** The project's name in Pulumi.yaml; every object of an estate carries it as label mcp-estate.estate. */
export function projectName(project: string): string {
  return z.object({ name: z.string() }).parse(parse(readFileSync(join(project, "Pulumi.yaml"), "utf8"))).name;
}
