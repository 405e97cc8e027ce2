import type { Program } from "../runtime/contract/index.ts";

export type { Program };

/** What one layer adds to the image below it. Plain data: it is an input of the resource. */
export type Layer =
  /** Debian: the image below or `baseImage` extended where that can be done, else bootstrapped from Debian's archive. */
  | { kind: "debian"; suite: string; packages: readonly string[]; revision: number; baseImage?: string }
  /** The node binary of npm's `node` package. */
  | { kind: "node"; version: string }
  /** `npm ci` of a lock folder into /app; install scripts run for `allowScripts` only. */
  | { kind: "npm"; lockFolder: string; allowScripts: readonly string[]; withoutOptional?: true }
  /** `pip install --require-hashes` of a lock folder into /app/site-packages, compiled. */
  | { kind: "pypi"; lockFolder: string; python: string }
  /** A program of runtime/, the account it runs under, and the folders that volumes are mounted on. */
  | {
      kind: "program";
      program: Program;
      user: number;
      mountPoints: readonly string[];
      files?: Readonly<Record<string, string>>;
    }
  /** Node, an init and a probe client, from the image below with all libraries, into another's image: any Linux will do. */
  | {
      kind: "graft";
      onto: { image: string } | { dockerfile: string };
      /** Whatever else the image keeps data in is refused. */
      mountPoints: readonly string[];
    }
  /** Files into another's image, which is pulled where the host has none: absolute path → content, readable by everybody. */
  | { kind: "files"; base: string; files: Readonly<Record<string, string>> }
  /** The account that a program of the image below runs under, with the folder of its secrets and those of its volumes. */
  | {
      kind: "account";
      user: number;
      mountPoints?: readonly string[];
      files?: Readonly<Record<string, string>>;
    };
