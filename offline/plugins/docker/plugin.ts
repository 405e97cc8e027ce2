/** Stands in for the official docker plugin: networks, volumes, containers, services, secrets and configs, on dockerode. */
import { checkDockerConfig } from "./connection.ts";
import { container } from "./container.ts";
import { network } from "./network.ts";
import { service } from "./service.ts";
import { secret, serviceConfig } from "./swarmObject.ts";
import { volume } from "./volume.ts";
import type { Plugin } from "../resourceType.ts";

export const dockerPlugin: Plugin = {
  name: "docker",
  version: "5.2.0",
  types: {
    "docker:index/container:Container": container,
    "docker:index/network:Network": network,
    "docker:index/secret:Secret": secret,
    "docker:index/service:Service": service,
    "docker:index/serviceConfig:ServiceConfig": serviceConfig,
    "docker:index/volume:Volume": volume,
  },
  checkConfig: checkDockerConfig,
};
