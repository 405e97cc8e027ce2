import type * as pulumi from "@pulumi/pulumi";
import type { CoreServiceConfig } from "./coreServiceConfig.ts";
import { DATA_PATH } from "./coreServices/index.ts";
import type { EstateConfig } from "./estateConfig.ts";
import { CORE_SERVICE_FILES, coreServiceRecipe } from "./imageRecipe.ts";
import { PackagedProgram } from "./packagedProgram.ts";
import type { Target } from "./targets/index.ts";

export interface CoreServiceArgs {
  target: Target;
  service: CoreServiceConfig;
  health: EstateConfig["health"];
  /** /29 of its own network. */
  subnet: string;
  /** Seconds until it must do what it is there for, after a start. */
  readySeconds: number;
  /** Its files, by name. */
  secrets: Readonly<Record<string, pulumi.Output<string>>>;
  /** Networks of those that reach it. */
  networks: ReadonlyArray<pulumi.Input<string>>;
  /** @default false, what `down` leaves lies there anyway */
  protectVolumes?: boolean;
}

const SCRATCH_MIB = 64;
/** A database writes down what it has in memory. */
const STOP_SECONDS = 60;
const BIND = "127.0.0.1";

/**
 * A database, a cache, a broker: built like a server, with the same limits, its data on a volume, and no way out. It has
 * answered a question of its own kind before those that reach it start (R-ARC-09, docs/adr/0027-core-services.md).
 *
 * @example
 * new CoreService("db", { target, service, health, subnet: "10.201.0.16/29", readySeconds: 60, networks: [] });
 */
export class CoreService extends PackagedProgram {
  constructor(name: string, args: CoreServiceArgs, opts?: pulumi.ComponentResourceOptions) {
    const { target, service, health, subnet, readySeconds, networks, secrets, protectVolumes = false } = args;
    const { kind, limits, hostPort } = service;
    super(
      "mcp:index:CoreService",
      name,
      {
        ...{ target, health, subnet, limits, networks, readySeconds, protectVolumes },
        networkKind: hostPort === undefined ? "internal" : "edge",
        recipe: ({ user }) => coreServiceRecipe({ kind, user }),
        ports: hostPort === undefined ? [] : [{ containerPort: kind.port, hostPort, bind: BIND, tls: false }],
        ...(kind.sharedMemory ? { sharedMemory: true } : {}),
        scratchMiB: SCRATCH_MIB,
        stopSeconds: STOP_SECONDS,
        dataPath: DATA_PATH,
        probe: { command: ["/bin/sh", CORE_SERVICE_FILES.probe] },
        files: secrets,
      },
      opts,
    );
    this.registerOutputs({ containerId: this.containerId });
  }
}
