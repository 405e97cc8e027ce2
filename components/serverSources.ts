import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ServerConfig } from "./serverConfig.ts";
import { isForeign } from "./serverProgram.ts";

/**
 * What the servers' images are made of and what is not there, one line each: a Dockerfile, a lock file, a version that the
 * lock file does not hold.
 * @param root the project's folder.
 */
export function sourceFaults(servers: readonly ServerConfig[], root: string, namespace = "mcp-estate"): string[] {
  return servers.flatMap(({ name, entry: { package: source } }) => {
    const key = `${namespace}:servers.${name}`;
    if (isForeign(source)) {
      const file = join(source.name, "Dockerfile");
      if (source.ecosystem === "image" || existsSync(join(root, file))) return [];
      return [`${key}.program.dockerfile: there is no ${file} in ${root}`];
    }
    const { ecosystem, lockFolder, name: wanted, version } = source;
    const file = join(lockFolder, ecosystem === "npm" ? "package-lock.json" : "requirements.txt");
    const relock = `npm run catalogue -- lock ${lockFolder} ${ecosystem}:${wanted}${ecosystem === "npm" ? "@" : "=="}${version}`;
    if (!existsSync(join(root, file))) {
      return [`${key}: there is no ${file} in ${root}, so that nothing pins ${wanted}; ${relock} writes it`];
    }
    const locked = lockedVersion(readFileSync(join(root, file), "utf8"), ecosystem, wanted);
    if (locked === version) return [];
    return [
      `${key}: ${wanted} ${version} is wanted, and ${file} has ${locked ?? "none of it"}; ${relock} writes it anew`,
    ];
  });
}

/** Version of a package that a lock file pins. */
function lockedVersion(text: string, ecosystem: "npm" | "pypi", name: string): string | undefined {
  if (ecosystem === "npm") {
    const { packages = {} } = JSON.parse(text) as { packages?: Record<string, { version?: string }> };
    return packages[`node_modules/${name}`]?.version;
  }
  const canonical = (each: string) => each.toLowerCase().replaceAll(/[-_.]+/g, "-");
  const pins = [...text.matchAll(/^([\w.-]+)==(\S+)/gm)];
  return pins.find(([, found = ""]) => canonical(found) === canonical(name))?.[2];
}
