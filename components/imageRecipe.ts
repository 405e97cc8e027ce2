import { createHash } from "node:crypto";
import { posix } from "node:path";
import packageJson from "../package.json" with { type: "json" };
import { COLLECTOR_DATA_DIR, programPath, SECRETS_DIR } from "../runtime/contract/index.ts";
import { DATA_PATH, type CoreServiceKind } from "./coreServices/index.ts";
import type { Layer, Program } from "./imageLayers.ts";
import { contentHash } from "./providers/images/contentHash.ts";

export type { Layer, Program } from "./imageLayers.ts";

export type Runtime = "node" | "python";
type PackagesLayer = Extract<Layer, { lockFolder: string }>;

/** How containers of the image start. Absent fields come from the image below. */
export interface ImageConfig {
  /** `UID:GID`. */
  user?: string;
  workingDir?: string;
  entrypoint?: readonly string[];
  env?: readonly string[];
}

/** An image as a chain of layers, each an image of its own that others can share. */
export interface ImageRecipe {
  /** Middle part of the tag: `mcp-estate/NAME:HASH`. */
  name: string;
  /** The image below; absent for Debian. */
  from?: ImageRecipe;
  layer: Layer;
  /** SHA-256 over the files that go in beside the recipe: lock files, sources of the program; "" where there are none. */
  content: string;
  config: ImageConfig;
  /** Absolute paths that the finished image must hold, so that a wrong start command fails the build (R-IMG-11). */
  requires: readonly string[];
}

/** Debian 12: the newest whose Docker (20.10) the estate supports. Its Python is 3.11. */
const DEBIAN_SUITE = "bookworm";
const PYTHON_VERSION = "3.11";
/** Raise it to bootstrap Debian anew, with its security updates of that day. */
const DEBIAN_REVISION = 1;
/** Raise it when the code that writes layers changes what it writes. */
const FORMAT = 1;
const HASH_LENGTH = 12;

const NODE_PATH = "/usr/local/bin/node";
const INIT_PATH = "/usr/bin/tini";
/**
 * One background thread of V8 instead of four: threads count against the pids limit (R-LIM-10). Bounded heaps: with
 * V8's own defaults a supervisor grew to 95 MiB over 10,000 calls, with these it stayed at 57.
 */
const NODE_FLAGS: Readonly<Record<Program, readonly string[]>> = {
  supervisor: ["--v8-pool-size=1", "--max-semi-space-size=2", "--max-old-space-size=64"],
  gateway: ["--v8-pool-size=1", "--max-semi-space-size=4", "--max-old-space-size=128"],
  guard: ["--v8-pool-size=1", "--max-semi-space-size=2", "--max-old-space-size=64"],
  monitor: ["--v8-pool-size=1", "--max-semi-space-size=2", "--max-old-space-size=64"],
  control: ["--v8-pool-size=1", "--max-semi-space-size=1", "--max-old-space-size=32"],
  collector: ["--v8-pool-size=1", "--max-semi-space-size=2", "--max-old-space-size=64"],
};
const PATH = "PATH=/usr/local/bin:/usr/bin:/bin";

/** Certificates, a probe client and an init. */
const BASE_PACKAGES = ["ca-certificates", "curl", "tini"];
const BASE_FILES = [INIT_PATH, "/usr/bin/curl"];

export interface BaseOptions {
  /**
   * Image to extend where a registry answers, best with its digest: `debian:bookworm-slim@sha256:…`.
   * @default none: Debian is bootstrapped from its package archive, which needs mmdebstrap on this machine.
   */
  baseImage?: string;
}

/** Debian with an init, a probe client, certificates and Node; Python too where asked. Shared by all stacks. */
export function baseRecipe(
  runtime: Runtime,
  { debianPackages = [], ...options }: BaseOptions & { debianPackages?: readonly string[] } = {},
): ImageRecipe {
  const debian = debianRecipe("debian", BASE_PACKAGES, BASE_FILES, options);
  const python = debianRecipe("debian-python", ["python3"], ["/usr/bin/python3"], options, debian);
  const below = runtime === "python" ? python : debian;
  const more = debianPackages.join("-");
  return {
    name: more === "" ? `base-${runtime}` : `base-${runtime}-${more}`,
    from: more === "" ? below : debianRecipe(`${below.name}-${more}`, debianPackages, [], options, below),
    // npm's node package is the project's own Node, so that both change together.
    layer: { kind: "node", version: packageJson.dependencies.node },
    content: "",
    config: { env: ["NODE_ENV=production"] },
    requires: [NODE_PATH],
  };
}

/** Debian with packages beside those of the image below. */
function debianRecipe(
  name: string,
  packages: readonly string[],
  requires: readonly string[],
  { baseImage }: BaseOptions,
  from?: ImageRecipe & { layer: { kind: "debian" } },
) {
  const layer = {
    kind: "debian" as const,
    suite: DEBIAN_SUITE,
    // All of them, as the image may have to be bootstrapped as a whole.
    packages: [...(from?.layer.packages ?? []), ...packages],
    revision: DEBIAN_REVISION,
    ...(baseImage ? { baseImage } : {}),
  };
  const config: ImageConfig = { user: "0:0", env: [PATH] };
  return { name, ...(from ? { from } : {}), layer, content: "", config, requires };
}

export interface ServerRecipeArgs extends BaseOptions {
  /** Name of the server. */
  name: string;
  runtime: Runtime;
  ecosystem: "npm" | "pypi";
  /** Folder with package.json and package-lock.json (npm) or requirements.txt (PyPI), relative to the project. */
  lockFolder: string;
  /** uid, and gid, of the server's processes. */
  user: number;
  /** Absolute paths of folders that the user owns, for volumes. */
  mountPoints: readonly string[];
  /**
   * Start command of the server: its files are looked for in the finished image.
   * @default none: nothing is checked
   */
  command?: readonly string[];
  /** npm packages whose install scripts may run, by name. @default none */
  allowScripts?: readonly string[];
  /** Leaves out what npm packages call optional. */
  withoutOptional?: true;
  /** Debian packages beside what the runtime has. @default none */
  debianPackages?: readonly string[];
  /** Absolute path → content. @default none */
  files?: Readonly<Record<string, string>>;
}

/**
 * One MCP server under its supervisor: base, packages, then all that differs between stacks in one small layer.
 * @param root the project's folder, from which lock files and sources are read.
 * @throws Error when a lock file or a source is missing.
 */
export function serverRecipe(args: ServerRecipeArgs, root: string = process.cwd()): ImageRecipe {
  const { name, runtime, ecosystem, lockFolder, user, mountPoints, command = [] } = args;
  const layer: PackagesLayer =
    ecosystem === "npm"
      ? {
          ...{ kind: "npm", lockFolder, allowScripts: args.allowScripts ?? [] },
          ...(args.withoutOptional ? { withoutOptional: true } : {}),
        }
      : { kind: "pypi", lockFolder, python: PYTHON_VERSION };
  const packages = packagesRecipe(baseRecipe(runtime, args), layer, root);
  return programRecipe(name, packages, "supervisor", user, mountPoints, filesOf(command), root, args.files);
}

/** The gateway on the Node base. @throws Error when a source is missing. */
export function gatewayRecipe(args: { user: number } & BaseOptions, root: string = process.cwd()): ImageRecipe {
  return programRecipe("gateway", baseRecipe("node", args), "gateway", args.user, [], [], root);
}

/** What looks at a host from outside of its containers. @throws Error when a source is missing. */
export function guardRecipe(args: { user: number } & BaseOptions, root: string = process.cwd()): ImageRecipe {
  return programRecipe("guard", baseRecipe("node", args), "guard", args.user, [], [], root);
}

/** A filter before Docker. @param args.user of the program that asks it. @throws Error when a source is missing. */
export function controlRecipe(args: { user: number } & BaseOptions, root: string = process.cwd()): ImageRecipe {
  return programRecipe("control", baseRecipe("node", args), "control", args.user, [], [], root);
}

/** What takes logs and traces on. @throws Error when a source is missing. */
export function collectorRecipe(args: { user: number } & BaseOptions, root: string = process.cwd()): ImageRecipe {
  return programRecipe("collector", baseRecipe("node", args), "collector", args.user, [COLLECTOR_DATA_DIR], [], root);
}

/** The server of the monitor page. @throws Error when a source is missing. */
export function monitorRecipe(args: { user: number } & BaseOptions, root: string = process.cwd()): ImageRecipe {
  return programRecipe("monitor", baseRecipe("node", args), "monitor", args.user, [], [], root);
}

/** Where the edge's configuration is delivered. */
export const PROXY_CONFIG_NAME = "haproxy.cfg";

/** HAProxy of Debian, which takes its configuration and certificate from SECRETS_DIR and reads them again on SIGHUP. */
export function edgeRecipe(args: { user: number } & BaseOptions): ImageRecipe {
  // A master keeps the port, so that workers can follow one another.
  return packagedRecipe(
    "edge",
    "haproxy",
    ["/usr/sbin/haproxy", "-W", "-db", "-f", `${SECRETS_DIR}/${PROXY_CONFIG_NAME}`],
    args,
  );
}

/** Where the configuration of the way out is delivered. */
export const EGRESS_CONFIG_NAME = "squid.conf";

/** Squid of Debian, which takes its configuration from SECRETS_DIR and reads it again on SIGHUP. */
export function egressRecipe(args: { user: number } & BaseOptions): ImageRecipe {
  return packagedRecipe(
    "egress",
    "squid",
    ["/usr/sbin/squid", "-N", "-f", `${SECRETS_DIR}/${EGRESS_CONFIG_NAME}`],
    args,
  );
}

/** Where the configuration of Prometheus and its alerts are delivered, and what its scrapes show to the gateway. */
export const PROMETHEUS_FILES = { config: "prometheus.json", alerts: "alerts.json", token: "gateway-token" } as const;
export const PROMETHEUS_PORT = 9090;
export const METRICS_DATA_PATH = "/data";

export interface PrometheusRecipeArgs extends BaseOptions {
  user: number;
  /** History is dropped by whichever comes first. */
  retention: { days: number; mebibytes: number };
  /** Seconds after which a firing alert is sent once more, should the first have been lost. */
  resendSeconds: number;
}

/** Prometheus of Debian with its promtool; its data lies in METRICS_DATA_PATH. */
export function prometheusRecipe({ retention, resendSeconds, ...args }: PrometheusRecipeArgs): ImageRecipe {
  return packagedRecipe(
    "prometheus",
    "prometheus",
    [
      "/usr/bin/prometheus",
      `--config.file=${SECRETS_DIR}/${PROMETHEUS_FILES.config}`,
      `--storage.tsdb.path=${METRICS_DATA_PATH}`,
      `--storage.tsdb.retention.time=${retention.days}d`,
      `--storage.tsdb.retention.size=${retention.mebibytes}MB`,
      `--web.listen-address=:${PROMETHEUS_PORT}`,
      `--rules.alert.resend-delay=${resendSeconds}s`,
    ],
    args,
    [METRICS_DATA_PATH],
  );
}

export const ALERTMANAGER_CONFIG_NAME = "alertmanager.json";
export const ALERTMANAGER_PORT = 9093;

/** Alertmanager of Debian, alone: silences and what was sent lie in METRICS_DATA_PATH. */
export function alertmanagerRecipe(args: { user: number } & BaseOptions): ImageRecipe {
  return packagedRecipe(
    "alertmanager",
    "prometheus-alertmanager",
    [
      "/usr/bin/prometheus-alertmanager",
      `--config.file=${SECRETS_DIR}/${ALERTMANAGER_CONFIG_NAME}`,
      `--storage.path=${METRICS_DATA_PATH}`,
      `--web.listen-address=:${ALERTMANAGER_PORT}`,
      "--cluster.listen-address=",
    ],
    args,
    [METRICS_DATA_PATH],
  );
}

/** What a core service runs. */
export const CORE_SERVICE_FILES = { start: "/opt/mcp-estate/start.sh", probe: "/opt/mcp-estate/probe.sh" } as const;

/** A core service without Node. @throws Error when a lock file is missing. */
export function coreServiceRecipe(
  { kind, user, ...options }: { kind: CoreServiceKind; user: number } & BaseOptions,
  root: string = process.cwd(),
): ImageRecipe {
  const { name, debianPackages, lockFolder, start, probe, requires } = kind;
  const below = debianRecipe("debian", BASE_PACKAGES, BASE_FILES, options);
  const debian = debianRecipe(`debian-${debianPackages.join("-")}`, debianPackages, [], options, below);
  const files = { [CORE_SERVICE_FILES.start]: start, [CORE_SERVICE_FILES.probe]: probe };
  return {
    name,
    from: lockFolder ? packagesRecipe(debian, { kind: "pypi", lockFolder, python: PYTHON_VERSION }, root) : debian,
    layer: { kind: "account", user, mountPoints: [DATA_PATH], files },
    content: "",
    config: {
      user: `${user}:${user}`,
      workingDir: "/",
      entrypoint: [INIT_PATH, "--", "/bin/sh", CORE_SERVICE_FILES.start],
    },
    requires: [INIT_PATH, SECRETS_DIR, ...Object.keys(files), ...requires],
  };
}

/** Packages of a lock folder: one image for all that are made of it, under whatever names they are declared. */
function packagesRecipe(from: ImageRecipe, layer: PackagesLayer, root: string): ImageRecipe {
  const name = `${posix.basename(layer.lockFolder)}-packages`;
  return { name, from, layer, content: contentHash(layer, root), config: {}, requires: [] };
}

/**
 * A program of Debian's, under an account of the estate.
 * @param command absolute, in the foreground.
 * @param mountPoints folders that the account owns, for volumes.
 */
function packagedRecipe(
  name: string,
  debianPackage: string,
  command: readonly [string, ...string[]],
  { user, ...options }: { user: number } & BaseOptions,
  mountPoints?: readonly string[],
): ImageRecipe {
  const [program] = command;
  const below = debianRecipe("debian", BASE_PACKAGES, BASE_FILES, options);
  return {
    name,
    from: debianRecipe(`debian-${debianPackage}`, [debianPackage], [program], options, below),
    layer: { kind: "account", user, ...(mountPoints && { mountPoints }) },
    content: "",
    config: { user: `${user}:${user}`, workingDir: "/", entrypoint: [INIT_PATH, "--", ...command] },
    requires: [INIT_PATH, program, SECRETS_DIR],
  };
}

/** How a program is started in an image. */
interface ProgramStart {
  init: string;
  node: readonly string[];
  /** @default the server's packages for a supervisor, "/" for the others */
  workingDir?: string;
}

const OWN_START: ProgramStart = { init: INIT_PATH, node: [NODE_PATH] };

/** A program of runtime/ on an image that has what starts it. @param requires further absolute paths that must be there */
export function programRecipe(
  name: string,
  from: ImageRecipe,
  program: Program,
  user: number,
  mountPoints: readonly string[],
  requires: readonly string[],
  root: string,
  files?: Readonly<Record<string, string>>,
  { init, node, workingDir }: ProgramStart = OWN_START,
): ImageRecipe {
  const layer: Layer = { kind: "program", program, user, mountPoints, ...(files ? { files } : {}) };
  const main = programPath(program);
  return {
    name,
    from,
    layer,
    content: contentHash(layer, root),
    config: {
      user: `${user}:${user}`,
      workingDir: workingDir ?? (program === "supervisor" ? "/app" : "/"),
      entrypoint: [init, "--", ...node, ...NODE_FLAGS[program], main],
    },
    requires: [init, ...node.filter((part) => part.includes("/bin/")), main, SECRETS_DIR, ...mountPoints, ...requires],
  };
}

/** Files that a start command names: the executable, what lies in /app, and the module of `python3 -m`. */
function filesOf(command: readonly string[]): string[] {
  const module = command[1] === "-m" ? command[2] : undefined;
  return [
    ...command.filter((part, index) => index === 0 || part.startsWith("/app/")),
    ...(module ? [`/app/site-packages/${module.replaceAll(".", "/")}`] : []),
  ];
}

/**
 * `mcp-estate/NAME:HASH`, the hash over everything that goes in: the recipe, the files it names, the image below and
 * the labels. Equal tags hold equal things, wherever and whenever they were built.
 * @param labels labels of the image; none for layers that all stacks share.
 */
export function imageTag(recipe: ImageRecipe, labels: Readonly<Record<string, string>> = {}): string {
  const { from, ...own } = recipe;
  const parts = { format: FORMAT, from: from ? imageTag(from) : null, labels, ...own };
  const hash = createHash("sha256").update(canonicalJson(parts)).digest("hex").slice(0, HASH_LENGTH);
  return `mcp-estate/${recipe.name}:${hash}`;
}

/** JSON with sorted keys: the engine hands objects back in another order. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    part !== null && typeof part === "object" && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
