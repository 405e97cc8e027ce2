import assert from "node:assert/strict";
import { catalogue } from "../../components/catalogue/index.ts";
import { selfSigned } from "../e2e/certificates.ts";
import { ensureSharedImages } from "../e2e/sharedImages.ts";
import { TestEstate } from "../e2e/testEstate.ts";
import { Lab } from "../lab/lab.ts";

describe("R-TGT-01, R-TGT-02: an estate on a swarm of three nodes", function () {
  this.timeout(600_000);
  const lab = new Lab("estate");
  const first = lab.host(1);
  const { certificate, key } = selfSigned("estate.example.org");
  const estate = new TestEstate("swarm", {
    host: { docker: first.docker, env: { DOCKER_HOST: first.dockerHost }, enter: (command) => lab.enter(command) },
    config: {
      "mcp-estate:target": "swarm",
      "mcp-estate:swarm": {
        nodes: Object.fromEntries(
          lab.hosts.map(({ name, dockerHost }, i) => [name, i === 0 ? {} : { host: dockerHost }]),
        ),
        dataNode: "lab-2",
        monitorSeconds: 3,
      },
      "mcp-estate:gateway": { port: 12470, bind: first.address, replicas: 3, tls: { certificate } },
      "mcp-estate:servers": { memory: {}, everything: {} },
    },
  });

  before(async () => {
    const entries = ["memory", "everything"].flatMap((name) => catalogue.get(name) ?? []);
    const tags = await ensureSharedImages(entries);
    await lab.up();
    await lab.swarm(3);
    await lab.copyImages(tags, [1]);
    await estate.create();
    await estate.pulumi("stack", "init");
    await estate.pulumi("config", "set", "--path", "mcp-estate:gateway.tls.key", "--secret", "--", key);
  });
  after(async () => {
    try {
      await estate.dispose();
    } finally {
      await lab.down();
    }
  });

  it("goes from the stack file to an answering estate", async () => {
    const started = Date.now();
    const { stdout } = await estate.succeed("up", ["--yes"]);
    console.log(stdout.slice(-1500), (Date.now() - started) / 1000);
    assert.ok(stdout);
  });

  it("a second update changes nothing, nor does a refresh", async () => {
    const { stdout } = await estate.succeed("up", ["--yes", "--expect-no-changes"]);
    console.log(stdout.slice(-1500));
  });
});
