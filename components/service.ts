import * as pulumi from "@pulumi/pulumi";
import type { EffectiveLimits } from "./providers/processLimit.ts";
import type { ServiceConfig } from "./serviceConfig.ts";
import type { SharedNetwork } from "./sharedNetwork.ts";
import { StateVolume } from "./stateVolume.ts";
import type { ServiceSpec, Target } from "./targets/index.ts";

export interface ServiceArgs {
  target: Target;
  service: ServiceConfig;
  /** By their keys in the settings. */
  networks: ReadonlyMap<string, SharedNetwork>;
  /** Whether its data volumes are protected from removal. @default false, what `down` leaves lies there anyway */
  protectVolumes?: boolean;
}

/**
 * A container that is no MCP server, with the same hard limits, labels, bounded logs and comparison with what is
 * declared: a database, what monitors, or one that was adopted (docs/adr/0008-adoption.md).
 *
 * @example
 * new Service("db", { target, service: { name: "db", image: "postgres:16.4", limits, ... }, networks: new Map() });
 */
export class Service extends pulumi.ComponentResource {
  readonly imageId: pulumi.Output<string>;
  readonly containerId: pulumi.Output<string>;
  /** Limits in force, as the last update found them. */
  readonly effective: pulumi.Output<EffectiveLimits>;

  constructor(name: string, args: ServiceArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mcp:index:Service", name, {}, opts);
    const parent = { parent: this };
    const mounts = this.createVolumes(name, args);
    this.imageId = this.pullImage(name, args);
    const { volumes: _volumes, networks: _networks, name: component, ...rest } = args.service;
    const spec = { ...rest, component, image: this.imageId, mounts, networks: attachments(args) };
    const { containerId, effective } = args.target.service(name, spec, parent);
    this.containerId = containerId;
    this.effective = effective;
    this.registerOutputs({ imageId: this.imageId, containerId, effective });
  }

  private createVolumes(name: string, { target, service, protectVolumes: protect = false }: ServiceArgs) {
    return Object.entries(service.volumes).map(([key, { path, readOnly, dockerName }]) => {
      const args = { target, component: service.name, protect, dockerName };
      return { volume: new StateVolume(`${name}-${key}`, args, { parent: this }).volumeName, path, readOnly };
    });
  }

  private pullImage(name: string, { target, service }: ServiceArgs): pulumi.Output<string> {
    const { name: component, image: reference, volumes, hostPaths, tmpfs } = service;
    const mountPoints = [...Object.values(volumes), ...hostPaths].map(({ path }) => path).concat(Object.keys(tmpfs));
    return target.pulledImage(name, { component, reference, mountPoints }, { parent: this });
  }
}

function attachments({ service, networks }: ServiceArgs): ServiceSpec["networks"] {
  return Object.entries(service.networks).map(([key, { aliases, address }]) => {
    const network = networks.get(key);
    // The settings' own check names it first.
    if (!network) throw new Error(`service ${service.name}: there is no network ${key}`);
    return { network: network.networkName, aliases, address };
  });
}
