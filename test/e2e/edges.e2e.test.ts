import assert from "node:assert/strict";
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type Docker from "dockerode";
import { catalogue } from "../../components/catalogue/index.ts";
import { baseRecipe, imageTag } from "../../components/imageRecipe.ts";
import { SECRETS_DIR } from "../../runtime/contract/index.ts";
import { Circumstances, markdownTable, writeResult } from "../../scripts/bench/results.ts";
import { selfSigned } from "./certificates.ts";
import { mapEstate, type EstateMap } from "./edges/estateMap.ts";
import { Matrix, type Target } from "./edges/matrix.ts";
import type { NetworkAnswer, NetworkQuestion } from "./edges/networkProbe.ts";
import type { OutsideSpec } from "./edges/outside.ts";
import type { Powers } from "./edges/powersProbe.ts";
import { OwnDocker } from "./ownDocker.ts";
import { ensureSharedImages } from "./sharedImages.ts";
import { eventually, TestEstate } from "./testEstate.ts";

const run = promisify(execFile);
const folder = fileURLToPath(new URL("edges/", import.meta.url));

const SERVERS = ["everything", "fetch", "filesystem", "memory", "sequential-thinking"];
/** The one that declares a place outside. */
const DECLARER = "fetch";
const PROXIED = `${DECLARER}, by the proxy`;
/** Component → the networks that it joins (docs/adr/0004, 0014, 0017): who shares none must not reach the other. */
const JOINS: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(SERVERS.map((server) => [server, [server]])),
  gateway: ["gateway", ...SERVERS],
  edge: ["edge", "gateway"],
  egress: ["egress", DECLARER],
};

const METADATA = "169.254.169.254";
const ALLOWED = { name: "allowed.example", address: "198.51.100.10" };
const NEIGHBOUR = { name: "neighbour.example", address: "198.51.100.11" };
/** An internal network as Docker makes it. */
const PLAIN = { subnet: "203.0.113.0/29", bridge: "203.0.113.1" };
/** What somebody left open on the host beside Docker's API. */
const HOST_PORT = 4711;
const DOCKER_PORTS = [2375, 2376];
const OUTSIDE_PORTS = [80, 8080];
/** The host's own loopback, as many hosts have it: the case in which Docker asks in the host's name. */
const NAME_SERVER = "127.0.0.1";
const undeclared = (from: string) => `${from}.undeclared.example`;
const undeclaredDirectly = (from: string) => `${from}.directly.example`;

/** Where the same probe must get through, so that it would have seen an open way. */
const CONTROL = "control";
const IMAGE = imageTag(baseRecipe("node"));
const MARK = "mcp-estate-test";

describe("R-NET-05: the edge matrix, from inside every server", function () {
  this.timeout(300_000);
  const circumstances = new Circumstances();
  const own = new OwnDocker("edges", {
    nameserver: NAME_SERVER,
    addresses: [METADATA, ALLOWED.address, NEIGHBOUR.address],
  });
  const servers = Object.fromEntries(
    SERVERS.map((server) => [server, server === DECLARER ? { egress: [`${ALLOWED.name}:80`] } : {}]),
  );
  const estate = new TestEstate("edges", { host: own });
  const matrix = new Matrix();
  /** Names that the host's name server was asked for. */
  const asked: string[] = [];
  const notes: string[] = [];
  let outside: ChildProcess | undefined;
  let map: EstateMap;
  let addresses: string[];

  before(async () => {
    await own.start();
    outside = await startOutside();
    await estate.create();
    const entries = SERVERS.flatMap((server) => catalogue.get(server) ?? []);
    await own.copyImages(await ensureSharedImages(entries, { egress: true }));
    // On every address, so that only the networks are between a server and it.
    const { certificate, key } = selfSigned("edges.example.org");
    estate.configure((config) => {
      config["mcp-estate:gateway"] = { port: estate.port, bind: "0.0.0.0", tls: { certificate } };
      config["mcp-estate:servers"] = servers;
    });
    await estate.pulumi("stack", "init");
    await estate.pulumi("config", "set", "--path", "mcp-estate:gateway.tls.key", "--secret", "--", key);
    await estate.succeed("up", ["--yes"]);
    map = await mapEstate(estate, own.docker, JOINS);
    addresses = await hostAddresses();
  });
  // A server's network has few addresses to spare.
  afterEach(() => removeThrowAways());
  after(async function () {
    try {
      await estate.dispose();
    } finally {
      outside?.kill();
      await own.dispose();
    }
    const tests = this.test?.parent?.tests ?? [];
    if (process.env["UPDATE_RESULTS"] && tests.every(({ state }) => state === "passed")) await writeMatrix();
  });

  async function startOutside(): Promise<ChildProcess> {
    const spec: OutsideSpec = {
      ports: [HOST_PORT, ...DOCKER_PORTS, ...OUTSIDE_PORTS],
      names: { [ALLOWED.name]: ALLOWED.address, [NEIGHBOUR.name]: NEIGHBOUR.address },
    };
    const [program = "", ...args] = own.enter([process.execPath, join(folder, "outside.ts"), JSON.stringify(spec)]);
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
    const lines = createInterface(child.stdout);
    const [first] = (await once(lines, "line")) as [string];
    assert.equal(first, "ready");
    lines.on("line", (name) => asked.push(name));
    return child;
  }

  /** IPv4 addresses of the host, those of its bridges too, but for loopback's own. */
  async function hostAddresses(): Promise<string[]> {
    const [program = "", ...args] = own.enter(["ip", "-json", "-4", "address"]);
    const interfaces = JSON.parse((await run(program, args)).stdout) as Array<{ addr_info: Array<{ local: string }> }>;
    return interfaces
      .flatMap(({ addr_info: each }) => each.map(({ local }) => local))
      .filter((local) => !local.startsWith("127."));
  }

  const removeThrowAways = async () => {
    const filters = { label: [MARK] };
    for (const { Id } of await own.docker.listContainers({ all: true, filters }))
      await own.docker.getContainer(Id).remove({ force: true });
    for (const { Id } of await own.docker.listNetworks({ filters })) await own.docker.getNetwork(Id).remove();
  };

  /** A container of this test's. @param networks those that it joins; none leaves it to `options`. @returns its id. */
  async function throwAway(networks: readonly string[], options: Docker.ContainerCreateOptions = {}): Promise<string> {
    const [first, ...others] = networks;
    const container = await own.docker.createContainer({
      Image: IMAGE,
      Cmd: ["sleep", "infinity"],
      Labels: { [MARK]: "edges" },
      ...options,
      HostConfig: { ...(first ? { NetworkMode: first } : {}), ...options.HostConfig },
    });
    for (const name of others) await own.docker.getNetwork(name).connect({ Container: container.id });
    await container.start();
    return container.id;
  }

  async function exec(container: string, command: readonly string[]): Promise<string> {
    const env = { ...process.env, ...own.env };
    return (await run("docker", ["exec", container, ...command], { env })).stdout;
  }

  async function probe<T>(container: string, name: string, ...args: string[]): Promise<T> {
    const source = readFileSync(join(folder, `${name}.ts`), "utf8");
    const options = ["--no-warnings", "--v8-pool-size=1", "--input-type=module-typescript"];
    return JSON.parse(await exec(container, ["/usr/local/bin/node", ...options, "-e", source, ...args])) as T;
  }

  const askNetwork = (container: string, question: Partial<NetworkQuestion>): Promise<NetworkAnswer> =>
    probe(container, "networkProbe", JSON.stringify({ connect: [], resolve: [], tunnel: [], ...question }));

  const idOf = (component: string): string => map.containers.get(component)?.Id ?? "";
  const networkOf = (component: string): string => map.networks.get(component) ?? "";
  const closed = (to: string, places: readonly string[]): Target[] =>
    places.map((place) => ({ to, place, openTo: [] }));
  const at = (hosts: readonly string[], ports: readonly number[]): string[] =>
    hosts.flatMap((host) => ports.map((port) => `${host}:${port}`));

  /** What is around the estate, by addresses that the host has. */
  const around = (): Target[] => [
    ...closed("the host's other port", at(addresses, [HOST_PORT])),
    ...closed("the gateway's port on the host", at(addresses, [estate.port])),
    ...closed("Docker's API on the host", at(addresses, DOCKER_PORTS)),
    ...closed("the metadata address", at([METADATA], [80])),
    ...closed("the declared host outside, past the proxy", at([ALLOWED.address], [80])),
    ...closed("other places outside", [...at([NEIGHBOUR.address], [80]), ...at([ALLOWED.address], [8080])]),
  ];
  const bridges = (): Target[] =>
    closed("the host, by its bridge of an internal network", at(map.internalBridges, [HOST_PORT]));
  const placesOf = (targets: readonly Target[]): string[] => targets.map(({ place }) => place);

  /** Names that nobody declared, asked of the container's resolver and of every address of the host. */
  function strangeNames(from: string): { targets: Target[]; resolve: NetworkQuestion["resolve"] } {
    const [usual, direct] = [undeclared(from), undeclaredDirectly(from)];
    const directly = [...addresses, ...map.internalBridges].map((server) => ({ name: direct, server }));
    return {
      targets: closed("a name server, with a name that nobody declared", [usual, direct]),
      resolve: [{ name: usual }, ...directly],
    };
  }

  /** Names that have got to the host's name server. Whatever was asked before is there once a later name is. */
  async function namesThatLeft(): Promise<string[]> {
    const marker = `marker-${asked.length}.example`;
    await askNetwork(await throwAway([networkOf("edge")]), { resolve: [{ name: marker }] });
    await eventually(() => Promise.resolve(assert.ok(asked.includes(marker), asked.join())), 5_000);
    return [...new Set(asked)];
  }

  /** Two, as no container is on both ordinary networks with the host's bridge of each in reach. */
  async function controls(): Promise<[edge: string, egress: string]> {
    const internal = ["gateway", ...SERVERS].map(networkOf);
    return Promise.all([throwAway([networkOf("edge"), ...internal]), throwAway([networkOf("egress"), ...internal])]);
  }

  it("R-NET-01, R-NET-04, R-NET-08: each reaches what shares a network with it, and nothing else", async () => {
    const joined = (component: string) =>
      throwAway([], { HostConfig: { NetworkMode: `container:${idOf(component)}` } });
    const inside = [...SERVERS, "gateway"].map((from) => [from, idOf(from)] as const);
    const answers = inside.map(async ([from, id]) => {
      const isServer = from !== "gateway";
      const reachable = [...map.components, ...around(), ...bridges()];
      const strange = strangeNames(from);
      const resolve = [...map.names.map(({ place }) => ({ name: place })), ...(isServer ? strange.resolve : [])];
      const answer = await askNetwork(id, { connect: placesOf(reachable), resolve });
      return { from, strange: isServer ? strange.targets : [], targets: [...reachable, ...map.names], answer };
    });
    // The programs of these two bring no probe: it runs in a container that has their network.
    const beside = ["edge", "egress"].map(async (from) => {
      const targets = map.components;
      return {
        from,
        strange: [],
        targets,
        answer: await askNetwork(await joined(from), { connect: placesOf(targets) }),
      };
    });
    const all = await Promise.all([...answers, ...beside]);
    const left = await namesThatLeft();
    for (const { from, targets, strange, answer } of all) {
      matrix.add(from, targets, [...answer.connect, ...answer.resolve]);
      matrix.add(from, strange, left);
    }
    for (const { from } of all) matrix.assertAsDeclared(from);
  });

  it("R-NET-09: by the proxy a server reaches what it declares, and nothing of all that", async () => {
    const proxy = map.components.find(({ to, openTo }) => to === "egress" && openTo.includes(DECLARER))?.place;
    const targets: Target[] = [
      ...[...map.components, ...around(), ...bridges()].map(({ to, place }) => ({ to, place, openTo: [] })),
      { to: "the declared host outside, by its name", place: `${ALLOWED.name}:80`, openTo: [PROXIED] },
      ...closed("other places outside", [`${ALLOWED.name}:8080`, `${NEIGHBOUR.name}:80`, `x.${ALLOWED.name}:80`]),
    ];
    const strange = [NEIGHBOUR.name, `x.${ALLOWED.name}`, undeclared("proxy")];
    const tunnel = [...placesOf(targets), `${undeclared("proxy")}:80`];
    const answer = await askNetwork(idOf(DECLARER), { tunnel, proxy });
    matrix.add(PROXIED, targets, answer.tunnel);
    const left = await namesThatLeft();
    matrix.add(PROXIED, closed("a name server, with a name that nobody declared", strange), left);
    matrix.assertAsDeclared(PROXIED);
    assert.ok(left.includes(ALLOWED.name), "the proxy asks for what is declared");
  });

  it("the same probes get through from where they may: an open way would have been seen", async () => {
    const [edge, egress] = await controls();
    const strange = strangeNames(CONTROL);
    const listening = map.components.filter(({ openTo }) => openTo.length > 0);
    const targets = [...listening, ...around(), ...map.names];
    const question = {
      connect: placesOf([...listening, ...around()]),
      resolve: [...map.names.map(({ place }) => ({ name: place })), ...strange.resolve],
    };
    const answers = await Promise.all([edge, egress].map((id) => askNetwork(id, question)));
    const left = await namesThatLeft();
    const reached = answers.flatMap((answer) => [...answer.connect, ...answer.resolve]);
    const open = (each: readonly Target[]) => each.map((target) => ({ ...target, openTo: [CONTROL] }));
    matrix.add(CONTROL, open(targets), reached);
    matrix.add(CONTROL, open(strange.targets), left);

    // As Docker makes it, the host has an address on an internal network.
    const plain = await own.docker.createNetwork({
      Name: "edges-plain",
      Internal: true,
      Labels: { [MARK]: "edges" },
      IPAM: { Driver: "default", Config: [{ Subnet: PLAIN.subnet, Gateway: PLAIN.bridge }] },
    });
    const ways = closed("the host, by its bridge of an internal network", at([PLAIN.bridge], [HOST_PORT]));
    const { connect } = await askNetwork(await throwAway([plain.id]), { connect: placesOf(ways) });
    matrix.add(CONTROL, open(ways), connect);
    matrix.assertAsDeclared(CONTROL);
  });

  it("R-NET-04: no name leaves because of the setting, whatever Docker's version does on internal networks", async () => {
    for (const server of SERVERS) assert.deepEqual(map.containers.get(server)?.HostConfig.Dns, ["127.0.0.1"], server);
    const [open, set, internal] = await Promise.all([
      throwAway([networkOf("edge")]),
      throwAway([networkOf("edge")], { HostConfig: { Dns: ["127.0.0.1"] } }),
      throwAway([networkOf("memory")]),
    ]);
    const names = { open: undeclared("open"), set: undeclared("set"), internal: undeclared("internal") };
    await askNetwork(open, { resolve: [{ name: names.open }] });
    const { resolve } = await askNetwork(set, { resolve: [{ name: names.set }, { name: "edge" }] });
    await askNetwork(internal, { resolve: [{ name: names.internal }] });
    const left = await namesThatLeft();
    assert.ok(left.includes(names.open), "with a way out and Docker's own resolver a name leaves");
    assert.ok(!left.includes(names.set), "the setting keeps it, even with a way out");
    assert.deepEqual(resolve, ["edge"], "names of the container's networks are known all the same");
    const { Version } = await own.docker.version();
    const does = left.includes(names.internal) ? "left the host" : "did not leave the host";
    notes.push(
      `A container on a server's network that has the resolver Docker gives it: a name that it asked for ${does} (Docker ${Version}). [adr/0020](../adr/0020-no-name-server.md) says why that is not left to Docker.`,
    );
  });

  it("R-SEC-08: no server writes outside its mounts, has a capability or finds Docker's socket", async () => {
    const asSeen = SERVERS.map(async (server) => {
      const powers = await probe<Powers>(idOf(server), "powersProbe");
      const own = (catalogue.get(server)?.volumes ?? []).map(({ path }) => path);
      // What Docker gives every container, in memory that counts against its limit.
      assert.deepEqual(powers.writable.toSorted(), ["/dev/mqueue", "/dev/shm", "/tmp", ...own].sort(), server);
      assert.deepEqual(powers.written, ["/dev/shm", "/tmp"], server);
      assert.deepEqual([powers.sockets, powers.blockDevices], [[], []], server);
      const none = "0".repeat(16);
      const sets = { CapInh: none, CapPrm: none, CapEff: none, CapBnd: none, CapAmb: none };
      // Docker's own helper, which starts a health check in the container, has its powers until it becomes that check.
      await eventually(async () => {
        const { processes } = await probe<Powers>(idOf(server), "powersProbe");
        assert.ok(processes.length > 2, "init, supervisor, probe");
        for (const status of processes) assert.deepEqual(status, { ...sets, NoNewPrivs: "1", Seccomp: "2" }, server);
      }, 10_000);
      assert.notEqual(powers.userNamespace, 0, server);
      return [server, powers.writable.toSorted().join(" "), "none", "none, nor in a user namespace"];
    });
    notes.push(
      markdownTable(["server", "may write in", "sockets and disks", "capabilities"], await Promise.all(asSeen)),
    );

    const open = await throwAway([], {
      HostConfig: {
        Binds: [`${join(own.folder, "docker.sock")}:/run/docker.sock`],
        SecurityOpt: ["seccomp=unconfined"],
      },
    });
    await exec(open, ["mknod", "/tmp/disk", "b", "259", "4095"]);
    const seen = await probe<Powers>(open, "powersProbe");
    assert.deepEqual([seen.sockets, seen.blockDevices], [["/run/docker.sock"], ["/tmp/disk"]]);
    assert.ok(seen.writable.includes("/") && seen.written.includes("/etc"));
    assert.equal(seen.userNamespace, 0);
    assert.ok(seen.processes.every(({ CapEff, NoNewPrivs }) => !/^0+$/.test(CapEff ?? "") && NoNewPrivs === "0"));
  });

  it("R-SEC-08: a set-uid file of root gives a server nothing", async () => {
    const PLANTED = "planted-id";
    const secretsOf = (server: string): string =>
      map.containers.get(server)?.Mounts.find(({ Destination }) => Destination === SECRETS_DIR)?.Name ?? "";
    const gardener = await throwAway([], {
      HostConfig: { Binds: SERVERS.map((server) => `${secretsOf(server)}:/plant/${server}`) },
    });
    const plant = `for folder in /plant/*; do cp /usr/bin/id $folder/${PLANTED} && chmod 4755 $folder/${PLANTED}; done`;
    await exec(gardener, ["sh", "-ec", plant]);
    try {
      for (const server of SERVERS) {
        const user = map.containers.get(server)?.Config.User ?? "";
        const gained = await exec(idOf(server), [`${SECRETS_DIR}/${PLANTED}`]);
        assert.match(gained, new RegExp(`^uid=${user.split(":")[0]}\\b`));
        assert.doesNotMatch(gained, /euid/, server);
        const control = await throwAway([], {
          User: user,
          HostConfig: { Binds: [`${secretsOf(server)}:${SECRETS_DIR}`] },
        });
        assert.match(await exec(control, [`${SECRETS_DIR}/${PLANTED}`]), / euid=0\(root\)/, server);
      }
    } finally {
      await exec(gardener, ["sh", "-ec", `rm /plant/*/${PLANTED}`]);
    }
  });

  const writeMatrix = () =>
    writeResult("edges", "UPDATE_RESULTS=1 npm test -- test/e2e/edges.e2e.test.ts", circumstances, [
      "# Who reaches what",
      `Columns are where the probe ran, rows what it tried. A cell says how many ways are declared → how many were measured to be open, of how many that were tried. The column ${CONTROL} is the same probe in containers that stand on those networks, or on ones with a way out: it shows that an open way would have been seen. \`${DECLARER}\` declares \`${ALLOWED.name}:80\`.`,
      matrix.render(),
      "A component is tried at every address that it has; it is open to those who share that network with it. The edge and the proxy are on ordinary networks and not tried beyond the estate.",
      ...notes,
    ]);
});
