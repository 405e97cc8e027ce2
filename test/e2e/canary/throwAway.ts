import type Docker from "dockerode";
import { packEntries } from "../../../components/providers/images/archive.ts";
import { docker, type TestEstate } from "../testEstate.ts";

const COMPONENT = "throw-away";

export interface ThrowAway {
  /** @default one that lives for a minute */
  command?: string[];
  environment?: Record<string, string>;
  labels?: Record<string, string>;
}

/** A started container that counts as one of the estate, made for a leak. */
export async function throwAwayContainer(
  estate: TestEstate,
  { command = ["sleep", "60"], environment = {}, labels = {} }: ThrowAway,
): Promise<Docker.Container> {
  const { Config } = await (await estate.container("gateway")).inspect();
  const container = await docker.createContainer({
    Image: Config.Image,
    Entrypoint: command,
    Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
    Labels: { ...Config.Labels, "mcp-estate.component": COMPONENT, ...labels },
    HostConfig: { NetworkMode: "none" },
  });
  await container.start();
  return container;
}

/** An image that counts as one of the estate, with one more file and one more label than the gateway's. */
export async function throwAwayImage(
  estate: TestEstate,
  { file, label }: { file: string; label: string },
): Promise<{ remove: () => Promise<unknown> }> {
  const container = await throwAwayContainer(estate, { labels: { leaked: label } });
  try {
    await container.putArchive(packEntries([{ name: "leaked", mode: 0o644, content: file }]), { path: "/srv" });
    const [repo, tag] = [`mcp-estate/${COMPONENT}`, estate.stack];
    await container.commit({ repo, tag });
    return { remove: () => docker.getImage(`${repo}:${tag}`).remove({ force: true }) };
  } finally {
    await container.remove({ force: true });
  }
}
