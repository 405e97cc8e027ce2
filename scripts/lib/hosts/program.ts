import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { cacheDir, projectDir } from "../paths.ts";
import { projectName } from "../projectName.ts";

/**
 * Writes a project of its own for the engine, beside the estate's: its program is the project's. Nothing of it cannot be
 * made again.
 * @param hosts the stack's setting.
 * @returns its folder.
 */
export function writeProgram(stack: string, hosts: unknown): string {
  const folder = programFolder();
  mkdirSync(folder, { recursive: true });
  const estate = projectName(projectDir);
  const runtime = "{ name: nodejs, options: { typescript: false } }";
  writeFileSync(join(folder, "Pulumi.yaml"), `name: ${estate}-hosts\nmain: index.ts\nruntime: ${runtime}\n`);
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }\n');
  writeFileSync(join(folder, "index.ts"), 'export * from "./hosts.ts";\n');
  for (const part of ["hosts.ts", "components", "runtime", "node_modules"]) {
    const link = join(folder, part);
    if (!existsSync(link)) symlinkSync(join(projectDir, part), link);
  }
  writeStackFile(join(folder, `Pulumi.${stack}.yaml`), { [`${estate}:hosts`]: hosts });
  return folder;
}

/** Of a stack whose machines are given back. */
export function removeProgram(stack: string): void {
  const folder = programFolder();
  rmSync(join(folder, `Pulumi.${stack}.yaml`), { force: true });
  const isLast = !readdirSync(folder).some((name) => /^Pulumi\..+\.yaml$/.test(name));
  if (isLast) rmSync(folder, { recursive: true });
}

function programFolder(): string {
  return join(cacheDir(), "hosts", Buffer.from(projectDir).toString("base64url"));
}

/** With the salt that the engine has put there. */
function writeStackFile(file: string, config: Record<string, unknown>): void {
  const before = existsSync(file) ? (parse(readFileSync(file, "utf8")) as Record<string, unknown> | null) : null;
  writeFileSync(file, stringify({ ...before, config }));
}
