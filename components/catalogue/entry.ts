import type { ProofCall } from "../../runtime/contract/index.ts";
import type { LimitClass } from "../limitClasses.ts";

/** A folder of the server that outlives its container. */
export interface CatalogueVolume {
  /** Name within the server, for example `data`. */
  name: string;
  /** Absolute path in the container. */
  path: string;
}

/** What is known of one MCP server: data only, so that an estate names a server and nothing else. */
export interface CatalogueEntry {
  name: string;
  /** One sentence for people. */
  description: string;
  /** Base image it runs on. */
  runtime: "node" | "python";
  /** Debian packages beside what the runtime has, for example chromium. @default none */
  debianPackages?: readonly string[];
  package: {
    ecosystem: "npm" | "pypi";
    name: string;
    version: string;
    /** Folder of the lock file, relative to the project, installed into /app. */
    lockFolder: string;
    /** npm packages whose install scripts may run, by name. @default none */
    allowScripts?: readonly string[];
    /** Leaves out what the package calls optional. */
    withoutOptional?: true;
  };
  transport: "stdio" | "http";
  /** Absolute executable and arguments, before the arguments that the stack adds. */
  command: readonly string[];
  /** Working directory of the child. @default "/app" */
  cwd?: string;
  /** Environment of the child; it inherits nothing. */
  env?: Readonly<Record<string, string>>;
  /** Files in the image: absolute path → content. @default none */
  files?: Readonly<Record<string, string>>;
  /** Variables without which it does not start, which only the stack can give (`env` or `secretEnv`): name → what it is. */
  needs?: Readonly<Record<string, string>>;
  limitClass: LimitClass;
  /** isolated: keeps a caller's state or credentials, so each principal gets a child of its own. */
  sharing: "shared" | "isolated";
  volumes?: readonly CatalogueVolume[];
  /** Tools that only read, so that a call that was lost may be done once more (R-GW-12). @default none */
  repeatableTools?: readonly string[];
  /** Harmless call with a checked result (R-HLT-01); absent where `listsOnly` says why there is none. */
  proof?: ProofCall;
  /** What the proof asks beyond the server's own container: alone it cannot be tried. @default nothing */
  proofReaches?: string;
  /** Why no tool can be called without an account or a service: that it lists its tools is all that is known of it then. */
  listsOnly?: string;
  /** Known vulnerabilities that are lived with: the package, until which ISO date, and why. @default none */
  accepted?: ReadonlyArray<{ package: string; until: string; why: string }>;
  /** What whoever declares it should know. */
  remarks?: string;
}
