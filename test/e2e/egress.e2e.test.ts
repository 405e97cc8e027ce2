import assert from "node:assert/strict";
import { baseRecipe, imageTag } from "../../components/imageRecipe.ts";
import { docker, eventually, TestEstate } from "./testEstate.ts";

/** Stands for the internet: a network with public addresses that lead nowhere, and the names of its hosts. */
const OUTSIDE = "mcp-estate-egress-outside";
const SUBNET = "198.51.100.0/24";
/** Says on every path who it is; the second port is one that nobody declares. */
const PAGE = (name: string) =>
  `for (const port of [80, 8080]) require("node:http").createServer((q, s) => s.writeHead(q.url === "/robots.txt" ? 404 : 200, { "content-type": "text/plain" }).end("this is ${name} at " + port)).listen(port)`;
const HOSTS = ["allowed.example", "neighbour.example", "a.below.example", "below.example"] as const;

describe("R-NET-09: what is outside is reached through the proxy, where it is declared", function () {
  this.timeout(300_000);
  const estate = new TestEstate("egress", {
    config: {
      "mcp-estate:servers": {
        fetch: { egress: ["allowed.example:80", "*.below.example:80", "inside.example:80"] },
        everything: {},
      },
    },
  });

  before(async () => {
    await removeOutside();
    await estate.create();
    await estate.succeed("up", ["--yes"]);
    const outside = await docker.createNetwork({
      Name: OUTSIDE,
      IPAM: { Driver: "default", Config: [{ Subnet: SUBNET }] },
    });
    for (const name of HOSTS) {
      const container = await docker.createContainer({
        Image: imageTag(baseRecipe("node")),
        Cmd: ["node", "-e", PAGE(name)],
        Labels: { "mcp-estate-test": OUTSIDE },
        NetworkingConfig: { EndpointsConfig: { [OUTSIDE]: { Aliases: [name] } } },
      });
      await container.start();
    }
    await outside.connect({ Container: (await estate.container("egress")).id });
  });
  after(async () => {
    await (await estate.container("egress")).remove({ force: true }).catch(() => undefined);
    await removeOutside();
    await estate.dispose();
  });

  async function removeOutside(): Promise<void> {
    const filters = { label: [`mcp-estate-test=${OUTSIDE}`] };
    for (const { Id } of await docker.listContainers({ all: true, filters }))
      await docker.getContainer(Id).remove({ force: true });
    await docker
      .getNetwork(OUTSIDE)
      .remove()
      .catch(() => undefined);
  }

  /** What curl in a server's container gets through the proxy: status and page. */
  async function curl(server: string, url: string, ...options: string[]): Promise<string> {
    const command = ["/usr/bin/curl", "-s", "-m", "4", "-w", " %{http_code} %{http_connect}", ...options, url];
    return (await estate.exec(server, command)).output.trimEnd();
  }
  const through = (url: string, ...options: string[]) => curl("fetch", url, "-x", "http://egress:3128", ...options);

  it("a tool of the server gets a declared page, and nothing of the neighbour's", async () => {
    await eventually(async () => {
      const { status, body } = await estate.execute("fetch", "fetch", { url: "http://allowed.example/" });
      assert.equal(status, 200);
      assert.match(JSON.stringify(body), /this is allowed\.example at 80/);
    }, 10_000);
    const { body } = await estate.execute("fetch", "fetch", { url: "http://neighbour.example/" });
    assert.doesNotMatch(JSON.stringify(body), /this is neighbour/);
  });

  it("by host and port: tunnels as well as plain requests, names below a domain and not the domain", async () => {
    assert.match(await through("http://allowed.example/"), /this is allowed\.example at 80 200/);
    assert.match(await through("http://allowed.example/", "-p"), /this is allowed\.example at 80 200 200/);
    assert.match(await through("http://a.below.example/"), /this is a\.below\.example at 80 200/);
    for (const url of [
      "http://neighbour.example/",
      "http://allowed.example:8080/",
      "http://below.example/",
      "http://xallowed.example/",
      "http://127.0.0.1:3128/squid-internal-mgr/menu",
    ]) {
      assert.match(await through(url), / 403 000$/, url);
      assert.match(await through(url, "-p"), / 000 403$/, `CONNECT ${url}`);
    }
  });

  it("no name leads to a private address: not to the gateway, a server, the host or the cloud's metadata", async () => {
    const gateway = Object.values((await (await estate.container("gateway")).inspect()).NetworkSettings.Networks);
    for (const { IPAddress } of gateway) assert.match(await through(`http://${IPAddress}:8000/health`), / 403 000$/);
    assert.match(await through("http://169.254.169.254/"), / 403 000$/);
    // inside.example is declared, and somebody gives it the address of another server.
    const outside = docker.getNetwork(OUTSIDE);
    await outside.disconnect({ Container: (await estate.container("egress")).id });
    const memory = await docker.createNetwork({
      Name: `${OUTSIDE}-private`,
      IPAM: { Driver: "default", Config: [{ Subnet: "10.250.0.0/24" }] },
    });
    const container = await docker.createContainer({
      Image: imageTag(baseRecipe("node")),
      Cmd: ["node", "-e", PAGE("inside.example")],
      Labels: { "mcp-estate-test": OUTSIDE },
      NetworkingConfig: { EndpointsConfig: { [`${OUTSIDE}-private`]: { Aliases: ["inside.example"] } } },
    });
    try {
      await container.start();
      await memory.connect({ Container: (await estate.container("egress")).id });
      assert.match(await through("http://inside.example/"), / 403 000$/);
    } finally {
      await container.remove({ force: true });
      await memory.disconnect({ Container: (await estate.container("egress")).id, Force: true });
      await memory.remove();
      await outside.connect({ Container: (await estate.container("egress")).id });
    }
  });

  it("without the proxy nothing, and for a server that declares nothing no proxy", async () => {
    assert.match(await curl("fetch", "http://198.51.100.2/", "--noproxy", "*"), / 000 000$/);
    const { IPAddress } =
      Object.values((await (await estate.container("egress")).inspect()).NetworkSettings.Networks)[0] ?? {};
    assert.match(await curl("everything", "http://allowed.example/", "-x", "http://egress:3128"), / 000 000$/);
    assert.match(await curl("everything", "http://allowed.example/", "-x", `http://${IPAddress}:3128`), / 000 000$/);
  });

  it("another place takes effect without a new container", async () => {
    const { id } = await estate.container("egress");
    // The next update would see the network of this test as drift.
    await docker.getNetwork(OUTSIDE).disconnect({ Container: id });
    estate.configure((config) => {
      config["mcp-estate:servers"] = { fetch: { egress: ["neighbour.example:80"] }, everything: {} };
    });
    await estate.succeed("up", ["--yes"]);
    assert.equal((await estate.container("egress")).id, id);
    await docker.getNetwork(OUTSIDE).connect({ Container: id });
    await eventually(async () => {
      assert.match(await through("http://neighbour.example/"), /this is neighbour\.example at 80 200/);
      assert.match(await through("http://allowed.example/"), / 403 000$/);
    }, 10_000);
  });
});
