import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, posix, relative } from "node:path";
import type { Layer, Program } from "../../imageLayers.ts";

/** How esbuild bundles a program; part of what the hash covers. Syntax is shortened, names stay for stack traces. */
export const BUNDLE_OPTIONS = {
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node24",
  minifySyntax: true,
  legalComments: "none",
  sourcemap: false,
} as const;

/** Files of a lock folder that decide what is installed. */
export const LOCK_FILES = { npm: ["package.json", "package-lock.json"], pypi: ["requirements.txt"] } as const;

interface PackageLock {
  packages: Record<
    string,
    {
      version?: string;
      integrity?: string;
      dependencies?: Record<string, string>;
      optionalDependencies?: Record<string, string>;
      peerDependencies?: Record<string, string>;
    }
  >;
}

/**
 * SHA-256 over the files that a layer takes from the project: by name and bytes, never by time or by where the
 * checkout lies. "" for layers that take none.
 * @param root the project's folder.
 * @throws Error naming a file that is missing.
 */
export function contentHash(layer: Layer, root: string): string {
  if (layer.kind === "program") return programHash(layer.program, root);
  if (layer.kind === "graft") return "dockerfile" in layer.onto ? folderHash(layer.onto.dockerfile, root) : "";
  if (layer.kind !== "npm" && layer.kind !== "pypi") return "";
  const hash = createHash("sha256");
  for (const name of LOCK_FILES[layer.kind]) addPart(hash, name, read(root, posix.join(layer.lockFolder, name)));
  return hash.digest("hex");
}

/** All files of a folder. */
function folderHash(folder: string, root: string): string {
  const hash = createHash("sha256");
  const files = readdirSync(join(root, folder), { recursive: true, withFileTypes: true }).filter((each) =>
    each.isFile(),
  );
  const paths = files.map(({ parentPath, name }) => posix.join(relative(root, parentPath), name)).sort();
  for (const path of paths) addPart(hash, path, read(root, path));
  return hash.digest("hex");
}

/** Path of a program's first file, relative to the project. */
export function programEntry(program: Program): string {
  return `runtime/${program}/main.ts`;
}

/** What a program serves to browsers: how it is bundled, from which files, and what is served as it is. */
export const PAGE = {
  entries: ["runtime/monitor/page/page.tsx", "runtime/monitor/page/page.css"],
  html: "runtime/monitor/page/page.html",
  options: {
    bundle: true,
    platform: "browser",
    format: "iife",
    target: "es2022",
    minify: true,
    legalComments: "none",
    jsx: "automatic",
    jsxImportSource: "preact",
  },
} as const;

/** Programs that serve it. */
export function servesPage(program: Program): boolean {
  return program === "monitor";
}

/** Hash of a program, good as long as no file that went in has changed. */
const knownHashes = new Map<string, { files: readonly string[]; stamp: string; hash: string }>();

/** Hashed once for all servers: each has the same supervisor. */
function programHash(program: Program, root: string): string {
  const key = `${root}\0${program}`;
  const known = knownHashes.get(key);
  if (known && stampOf(known.files, root) === known.stamp) return known.hash;
  const { files, hash } = hashProgram(program, root);
  knownHashes.set(key, { files, stamp: stampOf(files, root), hash });
  return hash;
}

/** What changes with every change of a file, without reading it. */
function stampOf(files: readonly string[], root: string): string {
  return files
    .map((file) => {
      const stats = statSync(join(root, file), { bigint: true, throwIfNoEntry: false });
      return stats ? `${stats.ino} ${stats.size} ${stats.mtimeNs} ${stats.ctimeNs}` : "gone";
    })
    .join("\n");
}

/** The sources that the program imports, and what the lock file says of the packages that they import. */
function hashProgram(program: Program, root: string): { files: string[]; hash: string } {
  const page = servesPage(program) ? [...PAGE.entries, PAGE.html] : [];
  const { sources, packages } = followImports([programEntry(program), ...page], root);
  const lock = parseLock(read(root, "package-lock.json"));
  const hash = createHash("sha256");
  addPart(hash, "options", JSON.stringify(BUNDLE_OPTIONS));
  if (page.length > 0) addPart(hash, "page", JSON.stringify(PAGE));
  for (const [path, content] of [...sources].sort(byKey)) addPart(hash, path, content);
  for (const entry of [...lockEntries(lock, ["esbuild"], ""), ...lockEntries(lock, packages, "runtime")].sort()) {
    addPart(hash, "package", entry);
  }
  return { files: ["package-lock.json", ...sources.keys()], hash: hash.digest("hex") };
}

const parsedLocks = new Map<string, PackageLock>();

/** Parsed once per content: five servers ask for the same file, and parsing it takes longer than hashing it. */
function parseLock(content: Buffer): PackageLock {
  const key = createHash("sha256").update(content).digest("hex");
  const lock = parsedLocks.get(key) ?? (JSON.parse(content.toString()) as PackageLock);
  parsedLocks.set(key, lock);
  return lock;
}

/** Every source reached by relative imports, and the names of the packages that they import. */
function followImports(
  entries: readonly string[],
  root: string,
): { sources: Map<string, Buffer>; packages: Set<string> } {
  const sources = new Map<string, Buffer>();
  const packages = new Set<string>();
  const queue = [...entries];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (sources.has(path)) continue;
    const content = read(root, path);
    sources.set(path, content);
    // A line that only looks like an import costs a needless rebuild at most.
    for (const [, specifier = ""] of content.toString().matchAll(/\b(?:from|import)\s*\(?\s*["']([^"'\n]+)["']/g)) {
      if (specifier.startsWith(".")) {
        const target = posix.join(posix.dirname(path), specifier);
        if (existsSync(join(root, target))) queue.push(target);
      } else if (!specifier.startsWith("node:")) {
        packages.add(/^(@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier);
      }
    }
  }
  return { sources, packages };
}

/**
 * `NAME VERSION INTEGRITY` of packages and all that they need, found as Node finds them from folder `from`.
 * Names that the lock file does not know are built into Node and skipped.
 */
function lockEntries(lock: PackageLock, names: Iterable<string>, from: string): Set<string> {
  const found = new Set<string>();
  const seen = new Set<string>();
  const visit = (name: string, folder: string): void => {
    const key = resolvePackage(lock, name, folder);
    const entry = key === undefined ? undefined : lock.packages[key];
    if (key === undefined || !entry || seen.has(key)) return;
    seen.add(key);
    // Platform builds of a package (esbuild's) differ from machine to machine, its version does not.
    found.add(`${name} ${entry.version ?? ""} ${entry.integrity ?? ""}`);
    for (const next of Object.keys({ ...entry.dependencies, ...entry.peerDependencies })) visit(next, key);
  };
  for (const name of names) visit(name, from);
  return found;
}

function resolvePackage(lock: PackageLock, name: string, folder: string): string | undefined {
  for (let at = folder; ; at = dirname(at) === "." ? "" : dirname(at)) {
    if (!at.endsWith("node_modules")) {
      const key = posix.join(at, "node_modules", name);
      if (lock.packages[key]) return key;
    }
    if (at === "") return undefined;
  }
}

function addPart(hash: ReturnType<typeof createHash>, name: string, content: string | Buffer): void {
  // Lengths keep two parts from reading as other two.
  hash.update(`${name}\0${Buffer.byteLength(content)}\0`).update(content);
}

function read(root: string, path: string): Buffer {
  try {
    return readFileSync(join(root, path));
  } catch (error) {
    throw new Error(`${path} cannot be read, so its image cannot be described (looked in ${root})`, { cause: error });
  }
}

function byKey([a]: [string, Buffer], [b]: [string, Buffer]): number {
  return a < b ? -1 : 1;
}
