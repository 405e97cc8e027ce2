import { docker, type TestEstate } from "./testEstate.ts";
import type { Random } from "./seed.ts";

type Settings = Record<string, unknown>;

/** Something that happens to an estate; says in words what it did. */
export type Act = (estate: TestEstate, random: Random) => Promise<string>;

const SERVERS = ["memory", "everything"] as const;
const COMPONENTS = [...SERVERS, "gateway", "edge"] as const;
/** Server that comes and goes. */
export const GUEST = "guest";

/** By hand, with the words of the docker command that does it. */
export const acts = {
  kill: onContainer("docker kill", (container) => container.kill()),
  stop: onContainer("docker stop", (container) => container.stop({ t: 1 })),
  remove: onContainer("docker rm -f", (container) => container.remove({ force: true })),
  pause: onContainer("docker pause", (container) => container.pause()),
  pids: onContainer("docker update --pids-limit 99", (container) => container.update({ PidsLimit: 99 })),
  memory: onContainer("docker update --memory 700m", (container) =>
    container.update({ Memory: 700 * 2 ** 20, MemorySwap: 700 * 2 ** 20 }),
  ),

  async disconnect(estate: TestEstate, random: Random) {
    const server = random.pick(SERVERS);
    const network = await networkOf(estate, server);
    await network.disconnect({ Container: (await estate.container(server)).id, Force: true });
    return `docker network disconnect of ${server}`;
  },

  async removeNetwork(estate: TestEstate, random: Random) {
    const server = random.pick(SERVERS);
    const network = await networkOf(estate, server);
    for (const component of [server, "gateway"]) {
      await network.disconnect({ Container: (await estate.container(component)).id, Force: true });
    }
    await network.remove();
    return `docker network rm of ${server}`;
  },

  async removeSecrets(estate: TestEstate, random: Random) {
    const component = random.pick(COMPONENTS);
    await (await estate.container(component)).remove({ force: true });
    const volume = (await estate.volumes()).find(({ Name }) => Name.includes(`-${component}-secrets`));
    await docker.getVolume(volume?.Name ?? "").remove();
    return `docker rm -f and docker volume rm of the secrets of ${component}`;
  },

  async twin(estate: TestEstate, random: Random) {
    const component = random.pick(COMPONENTS);
    const { Config, Image } = await (await estate.container(component)).inspect();
    await docker.createContainer({ Image, Labels: Config.Labels });
    return `docker create of a twin of ${component}`;
  },

  killChild(estate: TestEstate, random: Random) {
    const server = random.pick(SERVERS);
    return estate
      .exec(server, ["sh", "-c", 'for p in /proc/[0-9]*; do grep -q server- $p/cmdline && kill -9 "${p#/proc/}"; done'])
      .then(() => `kill -9 of the child of ${server}`);
  },

  changeLimit(estate: TestEstate, random: Random) {
    return changeServer(estate, random, (server) => {
      const memoryMiB = random.pick([272, 288, 304, 320]);
      server["limits"] = { memoryMiB };
      return `memoryMiB ${memoryMiB}`;
    });
  },

  changeEnvironment(estate: TestEstate, random: Random) {
    return changeServer(estate, random, (server) => {
      const ROUND = String(Math.floor(random.next() * 1e6));
      server["env"] = { ROUND };
      return `env ROUND=${ROUND}`;
    });
  },

  guest(estate: TestEstate, _random: Random) {
    let words = "";
    estate.configure((config) => {
      const servers = config["mcp-estate:servers"] as Settings;
      if (GUEST in servers) Reflect.deleteProperty(servers, GUEST);
      else servers[GUEST] = { from: "everything" };
      words = `server ${GUEST} ${GUEST in servers ? "declared" : "taken out"}`;
    });
    return Promise.resolve(words);
  },
} satisfies Record<string, Act>;

function onContainer(words: string, act: (container: ReturnType<typeof docker.getContainer>) => Promise<unknown>): Act {
  return async (estate, random) => {
    const component = random.pick(COMPONENTS);
    await act(await estate.container(component));
    return `${words} of ${component}`;
  };
}

async function networkOf(estate: TestEstate, server: string) {
  const found = (await estate.networks()).find((each) => each.Labels?.["mcp-estate.component"] === server);
  return docker.getNetwork(found?.Id ?? "");
}

function changeServer(estate: TestEstate, random: Random, change: (server: Settings) => string): Promise<string> {
  const name = random.pick(SERVERS);
  let words = "";
  estate.configure((config) => {
    words = change((config["mcp-estate:servers"] as Record<string, Settings>)[name] ?? {});
  });
  return Promise.resolve(`${words} for ${name}`);
}
