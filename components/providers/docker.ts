import Docker from "dockerode";

/**
 * The Docker that DOCKER_HOST names, else the local socket: the same one that the docker provider uses.
 * Dynamic providers run in a process of the engine that inherits the variable.
 */
export function connect(): Docker {
  return new Docker();
}

/** True when containers of this Docker are processes of this machine, so that its kernel can be asked. */
export function isLocal(): boolean {
  const host = process.env.DOCKER_HOST ?? "";
  return host === "" || host.startsWith("unix:");
}

/** True for Docker's answer that the object does not exist. */
export function isNotFound(error: unknown): boolean {
  return (error as { statusCode?: number }).statusCode === 404;
}
