import { readFileSync } from "node:fs";
import type Docker from "dockerode";
import type { OperationContext } from "../resourceType.ts";

interface RegistryAuth {
  address: string;
  username?: string;
  password?: string;
  configFile?: string;
  configFileContent?: string;
  authDisabled?: boolean;
}

const DOCKER_HUB = "registry-1.docker.io";

/**
 * Pulls `image`, with the credentials that the provider's `registryAuth` has for its registry.
 *
 * @throws Error naming the image when it cannot be had.
 */
export async function pullImage(docker: Docker, image: string, { config }: OperationContext): Promise<void> {
  if (/^(?:sha256:)?[0-9a-f]{64}$/.test(image))
    throw new Error(`image ${image} is not on this Docker, and an id cannot be pulled`);
  const authconfig = credentials(
    image,
    Array.isArray(config["registryAuth"]) ? (config["registryAuth"] as unknown as RegistryAuth[]) : [],
  );
  try {
    const progress = await docker.pull(
      /[:@][^/]*$/.test(image) ? image : `${image}:latest`,
      authconfig === undefined ? {} : { authconfig },
    );
    await new Promise<void>((resolve, reject) => {
      docker.modem.followProgress(progress, (error: Error | null) => (error === null ? resolve() : reject(error)));
    });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`image "${image}" is not on this Docker and could not be pulled: ${why}`, { cause: error });
  }
}

/** Registry of an image reference: its first part when that looks like a host, else Docker Hub. */
function registryOf(image: string): string {
  const first = image.split("/")[0] ?? "";
  return image.includes("/") && /[.:]|^localhost$/.test(first) ? first : DOCKER_HUB;
}

function credentials(image: string, auths: readonly RegistryAuth[]): Docker.AuthConfig | undefined {
  const registry = registryOf(image);
  const host = (address: string) => address.replace(/^https?:\/\//, "").split("/")[0];
  const auth = auths.find(({ address }) => host(address) === registry);
  if (auth === undefined || auth.authDisabled) return undefined;
  if (auth.username !== undefined)
    return { serveraddress: registry, username: auth.username, password: auth.password ?? "" };
  const text =
    auth.configFileContent ?? (auth.configFile === undefined ? undefined : readFileSync(auth.configFile, "utf8"));
  if (text === undefined) return undefined;
  const { auths: stored = {} } = JSON.parse(text) as { auths?: Record<string, { auth?: string }> };
  const entry = Object.entries(stored).find(([address]) => host(address) === registry)?.[1].auth;
  if (entry === undefined) return undefined;
  const [username = "", ...password] = Buffer.from(entry, "base64").toString("utf8").split(":");
  return { serveraddress: registry, username, password: password.join(":") };
}
