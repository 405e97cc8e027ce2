/** Stands in for the official docker plugin: networks, volumes and containers, on dockerode. */
import { checkDockerConfig } from "./docker/connection.ts";
import { container } from "./docker/container.ts";
import { network } from "./docker/network.ts";
import { volume } from "./docker/volume.ts";
import type { Plugin } from "./resourceType.ts";
import { servePlugin } from "./server.ts";

const docker: Plugin = {
  name: "docker",
  version: "5.2.0",
  types: {
    "docker:index/container:Container": container,
    "docker:index/network:Network": network,
    "docker:index/volume:Volume": volume,
  },
  checkConfig: checkDockerConfig,
};

servePlugin(docker);
