import { z } from "zod";
import { proofCallSchema, serverNameSchema } from "../runtime/contract/index.ts";
import type { CatalogueEntry } from "./catalogue/index.ts";

/** An image that others have built, or that is built of a folder with a Dockerfile. */
export interface ForeignSource {
  ecosystem: "image" | "dockerfile";
  /** Image reference, or folder relative to the project. */
  name: string;
  version: string;
}

/** What is known of a server, from the catalogue or from the stack's settings. */
export interface ServerEntry extends Omit<CatalogueEntry, "package"> {
  package: CatalogueEntry["package"] | ForeignSource;
}

export function isForeign(source: ServerEntry["package"]): source is ForeignSource {
  return source.ecosystem === "image" || source.ecosystem === "dockerfile";
}

const absolutePath = z.string().regex(/^\/./, "an absolute path, for example /data");
/** Below the project, whatever it is written like. */
const projectFolder = z
  .string()
  .regex(/^(?!\/)(?!.*(^|\/)\.\.(\/|$))./, "a folder of the project, relative to it, for example servers/mine");

/** A server that the catalogue does not have, told in the stack's settings. */
export const serverProgramSchema = z.strictObject({
  /** npm package and its exact version, NAME@VERSION; `lockFolder` pins it and all that it needs. */
  npm: z
    .string()
    .regex(/^(@[\w.-]+\/)?[\w.-]+@\d[\w.+-]*$/, "NAME@VERSION, for example my-server@1.2.3")
    .optional(),
  /** PyPI package and its exact version, NAME==VERSION; `lockFolder` pins it and all that it needs. */
  pypi: z
    .string()
    .regex(/^[A-Za-z0-9][\w.-]*==\d[\w.+!-]*$/, "NAME==VERSION, for example my-server==1.2.3")
    .optional(),
  /** Image reference, best with its digest. The server runs in it, under an account of the estate. */
  image: z.string().min(1).optional(),
  /** Folder with a Dockerfile, relative to the project. */
  dockerfile: projectFolder.optional(),
  /** Folder with the lock file of `npm` or `pypi`, relative to the project: `npm run catalogue -- lock` writes it. */
  lockFolder: projectFolder.optional(),
  /** Debian packages beside those of the runtime, of `npm` and `pypi`. */
  debianPackages: z.array(z.string().regex(/^[a-z0-9][a-z0-9.+-]+$/, "a name of a Debian package")).default([]),
  /** Absolute path of the executable, and its arguments; what `npm` and `pypi` install lies in /app. */
  command: z.tuple([absolutePath], z.string()),
  /** stdio: messages on its standard input and output; http: it listens on the loopback port that PORT names. */
  transport: z.enum(["stdio", "http"]).default("stdio"),
  /** Working directory. @default "/app" of npm and pypi, else "/" */
  cwd: absolutePath.optional(),
  /** Folders that outlive the container: name → absolute path. */
  volumes: z.record(serverNameSchema, absolutePath).default({}),
  /** Harmless call whose checked result proves that it works. @default none: that it lists its tools is all that is known */
  proof: z
    .strictObject({
      tool: z.string().min(1),
      arguments: z.record(z.string(), z.unknown()).default({}),
      /** A text that the answer must contain. */
      expectText: z.string().optional(),
    })
    .optional(),
});

export type ServerProgramSettings = z.infer<typeof serverProgramSchema>;

const SOURCES = ["npm", "pypi", "image", "dockerfile"] as const;

/** One line per fault between the fields of a program. @param key of the settings, with its namespace */
export function programFaults(program: ServerProgramSettings, key: string): string[] {
  const given = SOURCES.filter((source) => program[source] !== undefined);
  if (given.length !== 1) {
    return [`${key}: ${given.join(" and ") || "nothing"} given; exactly one of ${SOURCES.join(", ")} is allowed`];
  }
  const isPackage = program.npm !== undefined || program.pypi !== undefined;
  const faults: string[] = [];
  if (isPackage && program.lockFolder === undefined) {
    const wanted = program.npm ? `npm:${program.npm}` : `pypi:${program.pypi}`;
    faults.push(
      `${key}.lockFolder: nothing given; npm run catalogue -- lock servers/NAME ${wanted} writes one, which is to be committed`,
    );
  }
  if (!isPackage && program.lockFolder !== undefined) {
    faults.push(
      `${key}.lockFolder: ${program.lockFolder} given; what is in ${given.join()} stays as it is, take it out`,
    );
  }
  if (!isPackage && program.debianPackages.length > 0) {
    faults.push(`${key}.debianPackages: given; nothing is installed into ${given.join()}, take them out`);
  }
  return faults;
}

/** A program without faults as the catalogue would have it. */
export function entryOf(name: string, program: ServerProgramSettings): ServerEntry {
  const { npm, pypi, image, dockerfile, lockFolder = "", debianPackages, volumes, proof, cwd } = program;
  const foreign = image ?? dockerfile;
  return {
    name,
    description: "Declared in the stack's settings.",
    runtime: pypi === undefined ? "node" : "python",
    ...(debianPackages.length > 0 ? { debianPackages } : {}),
    package:
      foreign === undefined
        ? { ...pinned(npm ?? pypi ?? "", npm === undefined ? "==" : "@"), ecosystem: npm ? "npm" : "pypi", lockFolder }
        : { ecosystem: image ? "image" : "dockerfile", name: foreign, version: image ? tagOf(image) : "local" },
    transport: program.transport,
    command: program.command,
    cwd: cwd ?? (foreign === undefined ? "/app" : "/"),
    ...(pypi === undefined ? {} : { env: { PYTHONPATH: "/app/site-packages", PYTHONDONTWRITEBYTECODE: "1" } }),
    limitClass: "standard",
    // Nobody has said that it keeps its callers apart.
    sharing: "isolated",
    ...(Object.keys(volumes).length > 0
      ? { volumes: Object.entries(volumes).map(([volume, path]) => ({ name: volume, path })) }
      : {}),
    ...(proof
      ? { proof: proofCallSchema.parse(proof) }
      : { listsOnly: "the stack's settings name no call that proves more" }),
  };
}

function pinned(text: string, separator: string): { name: string; version: string } {
  const at = text.lastIndexOf(separator);
  return { name: text.slice(0, at), version: text.slice(at + separator.length) };
}

/** `1.2` of `host:5000/name:1.2`; the digest where there is one; else what Docker takes. */
function tagOf(reference: string): string {
  return /@(sha256:[0-9a-f]{12})/.exec(reference)?.[1] ?? /:([^:/]+)$/.exec(reference)?.[1] ?? "latest";
}
