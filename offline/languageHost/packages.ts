import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";

export interface PackageVersion {
  name: string;
  version: string;
}

interface PackageJson {
  name?: string;
  version?: string;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  pulumi?: { resource?: boolean; name?: string; version?: string };
}

/**
 * The Pulumi plugins that a program's direct dependencies need: those whose package.json says `pulumi.resource`.
 *
 * @param programDirectory folder at or below the one with package.json.
 */
export async function pulumiPluginsOf(programDirectory: string): Promise<PackageVersion[]> {
  const packages = await directPackages(programDirectory);
  return packages
    .filter(({ pulumi }) => pulumi?.resource === true)
    .map((manifest) => ({
      name: manifest.pulumi?.name ?? (manifest.name ?? "").replace(/^@pulumi\//, ""),
      version: manifest.pulumi?.version ?? manifest.version ?? "",
    }));
}

/** The program's direct dependencies with the versions that are installed, for `pulumi about`. */
export async function dependenciesOf(programDirectory: string): Promise<PackageVersion[]> {
  const packages = await directPackages(programDirectory);
  return packages.map(({ name = "", version = "" }) => ({ name, version }));
}

async function directPackages(programDirectory: string): Promise<PackageJson[]> {
  const root = folderWith("package.json", programDirectory);
  if (root === undefined) return [];
  const { dependencies = {}, devDependencies = {} } = await readManifest(path.join(root, "package.json"));
  const names = [...new Set([...Object.keys(dependencies), ...Object.keys(devDependencies)])].sort();
  const manifests = names.map(async (name) => {
    const installed = folderWith(path.join("node_modules", name, "package.json"), root);
    return installed === undefined
      ? undefined
      : readManifest(path.join(installed, "node_modules", name, "package.json"));
  });
  return (await Promise.all(manifests)).filter((manifest) => manifest !== undefined);
}

async function readManifest(file: string): Promise<PackageJson> {
  return JSON.parse(await readFile(file, "utf8")) as PackageJson;
}

/** The nearest folder, from `start` upwards, in which `relative` exists. */
export function folderWith(relative: string, start: string): string | undefined {
  for (let folder = path.resolve(start); ; folder = path.dirname(folder)) {
    if (existsSync(path.join(folder, relative))) return folder;
    if (folder === path.dirname(folder)) return undefined;
  }
}

/**
 * A module of the program's own @pulumi/pulumi, for example `cmd/run`.
 *
 * @throws Error when the program's packages are not installed.
 */
export function pulumiModule(module: string, programDirectory: string): string {
  const relative = path.join("node_modules", "@pulumi", "pulumi", module);
  const folder = folderWith(relative, programDirectory);
  if (folder !== undefined) return path.join(folder, relative);
  throw new Error(`@pulumi/pulumi is not installed in ${programDirectory} or above it: run "npm install" there`);
}
