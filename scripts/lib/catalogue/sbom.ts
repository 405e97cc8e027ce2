import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Enums, Models, Serialize, Spec } from "@cyclonedx/cyclonedx-library";
import { PackageURL } from "packageurl-js";
import { z } from "zod";
import type { CatalogueEntry } from "../../../components/catalogue/index.ts";

/** One package of an image. */
export interface Locked {
  ecosystem: "npm" | "pypi";
  name: string;
  version: string;
  /** SHA-512 of npm's archives, SHA-256 of PyPI's wheels; hexadecimal. */
  hashes: Array<{ algorithm: "SHA-256" | "SHA-512"; content: string }>;
  /** As its lock file has it. @default not known */
  licence?: string;
}

const lockSchema = z.object({
  packages: z.record(
    z.string(),
    z.object({
      name: z.string().optional(),
      version: z.string().optional(),
      integrity: z.string().optional(),
      license: z.string().optional(),
      optional: z.boolean().optional(),
      dev: z.boolean().optional(),
    }),
  ),
});
const NODE_MODULES = "node_modules/";
const REQUIREMENT = /^([\w.-]+)==(\S+) \\$/;
const WHEEL_HASH = /--hash=sha256:([0-9a-f]{64})/;

/** All packages that an entry's lock file has, sorted. @param root the project's folder. */
export function lockedPackages({ package: source }: CatalogueEntry, root: string): Locked[] {
  const { ecosystem, lockFolder, withoutOptional = false } = source;
  const file = join(root, lockFolder, ecosystem === "npm" ? "package-lock.json" : "requirements.txt");
  const text = readFileSync(file, "utf8");
  const found = ecosystem === "npm" ? ofNpm(text, withoutOptional) : ofPypi(text);
  const byKey = new Map(found.map((each) => [`${each.name} ${each.version}`, each]));
  return [...byKey].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each);
}

function ofNpm(text: string, withoutOptional: boolean): Locked[] {
  const { packages } = lockSchema.parse(JSON.parse(text));
  return Object.entries(packages).flatMap(([path, { name, version, integrity, license: licence, optional, dev }]) => {
    if (version === undefined || dev || (withoutOptional && optional)) return [];
    const own = name ?? path.slice(path.lastIndexOf(NODE_MODULES) + NODE_MODULES.length);
    const content = integrity && Buffer.from(integrity.replace(/^sha512-/, ""), "base64").toString("hex");
    const hashes = content ? [{ algorithm: "SHA-512" as const, content }] : [];
    return [{ ecosystem: "npm" as const, name: own, version, hashes, ...(licence ? { licence } : {}) }];
  });
}

function ofPypi(text: string): Locked[] {
  const found: Locked[] = [];
  for (const line of text.split("\n")) {
    const [, name, version] = REQUIREMENT.exec(line) ?? [];
    const [, content] = WHEEL_HASH.exec(line) ?? [];
    if (name !== undefined && version !== undefined) found.push({ ecosystem: "pypi", name, version, hashes: [] });
    // A wheel for each processor.
    else if (content !== undefined) found.at(-1)?.hashes.push({ algorithm: "SHA-256", content });
  }
  return found;
}

/**
 * What an entry's image has of npm or PyPI, as a CycloneDX bill of materials (https://cyclonedx.org/docs/1.6/json/): the same text
 * for the same lock file.
 */
export function billOfMaterials(entry: CatalogueEntry, root: string): string {
  const { name, package: source } = entry;
  const packages = lockedPackages(entry, root);
  const bom = new Models.Bom();
  bom.metadata.component = new Models.Component(Enums.ComponentType.Container, `mcp-estate/${name}`, {
    version: source.version,
    bomRef: name,
  });
  for (const each of packages) bom.components.add(componentOf(each));
  bom.serialNumber = `urn:uuid:${uuidOf(JSON.stringify(packages))}`;
  const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6));
  return `${serializer.serialize(bom, { sortLists: true, space: 2 })}\n`;
}

function componentOf({ ecosystem, name, version, hashes, licence }: Locked): Models.Component {
  const [group, own] = name.startsWith("@") ? name.split("/") : [undefined, name];
  const purl = new PackageURL(ecosystem, group, own, version).toString();
  const component = new Models.Component(Enums.ComponentType.Library, own ?? name, { version, bomRef: purl, purl });
  if (group !== undefined) component.group = group;
  for (const { algorithm, content } of hashes)
    component.hashes.set(
      algorithm === "SHA-512" ? Enums.HashAlgorithm["SHA-512"] : Enums.HashAlgorithm["SHA-256"],
      content,
    );
  if (licence !== undefined) component.licenses.add(new Models.NamedLicense(licence));
  return component;
}

/** Of a text, so that equal ones have equal ones (RFC 9562, version 8). */
function uuidOf(text: string): string {
  const hex = createHash("sha256").update(text).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
