import * as pulumi from "@pulumi/pulumi";
import type { Limits } from "../../runtime/contract/index.ts";
import type { ImageRecipe } from "../imageRecipe.ts";
import { StateVolume } from "../stateVolume.ts";
import type { ServiceSpec, Target } from "../targets/index.ts";

/** A program of others', with its configuration baked into an image of its own. */
export interface StoreProgram {
  /** Image reference, best with its digest. */
  image: string;
  /** Absolute path → content. */
  files: Readonly<Record<string, string>>;
  entrypoint: readonly string[];
  /** `UID:GID` of the image's own account, to which its data folder belongs. */
  user: string;
  env: Readonly<Record<string, string>>;
  /** Where its data lies, on a volume that outlives it. @default none */
  dataPath?: string;
  limits: Limits;
  /** Published on the host's loopback. @default none */
  port?: { containerPort: number; hostPort: number };
}

export interface StoreArgs {
  target: Target;
  program: StoreProgram;
  networks: ReadonlyArray<pulumi.Input<string>>;
  secretEnv: Readonly<Record<string, string>>;
  protectVolumes: boolean;
}

const STOP_SECONDS = 30;
const BIND = "127.0.0.1";

/** What keeps or shows what the monitoring finds, by a program that only its makers' image has (docs/adr/0025-logs-and-traces.md). */
export class Store extends pulumi.ComponentResource {
  constructor(name: string, args: StoreArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mcp:index:Store", name, {}, opts);
    const { target, program, networks, secretEnv, protectVolumes: protect } = args;
    const { dataPath, port, limits } = program;
    const parent = { parent: this };
    const volume = dataPath && new StateVolume(`${name}-data`, { target, component: name, protect }, parent).volumeName;
    const spec: ServiceSpec = {
      component: name,
      image: target.image(name, storeRecipe(name, program), parent),
      limits,
      networks: networks.map((network) => ({ network, aliases: [name] })),
      mounts: volume ? [{ volume, path: dataPath, readOnly: false }] : [],
      ports: port ? [{ ...port, bind: BIND, protocol: "tcp" }] : [],
      user: program.user,
      hostname: name,
      env: { ...program.env },
      secretEnv: { ...secretEnv },
      hostPaths: [],
      tmpfs: { "/tmp": "size=64m" },
      hosts: {},
      labels: {},
      restart: "unless-stopped",
      stopSeconds: STOP_SECONDS,
      init: true,
      readOnly: true,
      capabilities: { add: [], drop: ["ALL"] },
      noNewPrivileges: true,
    };
    target.service(name, spec, parent);
    this.registerOutputs({});
  }
}

function storeRecipe(name: string, { image: base, files, entrypoint, user }: StoreProgram): ImageRecipe {
  return {
    name,
    layer: { kind: "files", base, files },
    content: "",
    config: { user, entrypoint },
    requires: [entrypoint[0] ?? "", ...Object.keys(files)],
  };
}
