import assert from "node:assert/strict";
import { catalogue, type CatalogueEntry } from "../../components/catalogue/index.ts";
import { connect } from "../../components/providers/docker.ts";
import { limitFaults } from "../../scripts/lib/catalogue/row.ts";
import { verify } from "../../scripts/lib/catalogue/verify.ts";

/** An image with Chromium is built anew on two slow cores. */
const COLD_MS = 600_000;
/**
 * One of each kind: plain Node, Python, a start that is no module, optional packages left out, files of its own beside a
 * language server, a browser twice on one base, and one that can only list. All others: npm run catalogue -- verify.
 */
const SERVERS = [
  ...["memory-bank", "time", "extended-memory", "claude-flow", "language-server", "playwright", "puppeteer"],
  "context7",
];

describe("Servers of the catalogue, each alone and without a network, end to end", function () {
  this.timeout(COLD_MS);
  this.slow(30_000);
  const docker = connect();
  const quiet = (): void => undefined;
  const entryOf = (name: string): CatalogueEntry => catalogue.get(name) ?? assert.fail(`no ${name}`);

  for (const name of SERVERS) {
    it(`A-03, R-IMG-02: ${name} starts offline and proves itself within its limits`, async () => {
      const entry = entryOf(name);
      const row = await verify(docker, entry, quiet);
      assert.equal(row.result, entry.proof === undefined ? "lists" : "proved", row.detail);
      assert.ok(row.tools > 0);
      assert.deepEqual(limitFaults(row), []);
    });
  }

  it("A-02: a server that answers and says the wrong thing has failed, and its own words say why", async () => {
    const proof = {
      tool: "convert_time",
      arguments: { source_timezone: "nowhere", time: "12:00", target_timezone: "UTC" },
    };
    const row = await verify(docker, { ...entryOf("time"), proof }, quiet);
    assert.equal(row.result, "failed");
    assert.match(row.detail, /the proof call convert_time failed: .*nowhere/i);
  });

  it("R-IMG-11: a start command that is not in the image fails its build by name", async () => {
    const command = ["/usr/local/bin/node", "/app/node_modules/gone/index.js"];
    await assert.rejects(
      verify(docker, { ...entryOf("memory-bank"), command }, quiet),
      /would not start: there is no \/app\/node_modules\/gone\/index\.js in it; check the start command/,
    );
  });

  it("leaves no container and no volume behind", async () => {
    const containers = await docker.listContainers({ all: true, filters: { name: ["mcp-catalogue-"] } });
    const { Volumes: volumes } = await docker.listVolumes({ filters: { name: ["mcp-catalogue-"] } });
    assert.deepEqual([containers, volumes], [[], []]);
  });
});
