import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { eventually, TestEstate, type CommandResult } from "./testEstate.ts";

/** The lines that begin with `error:`, or the engine's diagnostics: what a user reads first. */
function errorLines({ output }: CommandResult): string[] {
  return output.split("\n").filter((line) => /^\s*error: /.test(line) || /^\s*mcp-estate:/.test(line));
}

describe("npm run up refuses in one clear line (real engine)", function () {
  this.timeout(300_000);
  const estate = new TestEstate("e2erefuse", {
    config: { "mcp-estate:servers": { everything: {} } },
  });

  before(() => estate.create());
  after(() => estate.dispose());

  async function refusal(settings: Record<string, unknown>): Promise<string> {
    let before: unknown;
    const [key, value] = Object.entries(settings)[0];
    estate.configure((config) => {
      before = config[key];
      config[key] = value;
    });
    const result = await estate.command("up", ["--yes"]);
    estate.configure((config) => {
      if (before === undefined) Reflect.deleteProperty(config, key);
      else config[key] = before;
    });
    assert.notEqual(result.code, 0);
    assert.doesNotMatch(result.output, /\n\s+at .*\.ts:\d+/, "no stack trace");
    return errorLines(result).join("\n");
  }

  it("an unknown server", async () => {
    assert.match(
      await refusal({ "mcp-estate:servers": { memroy: {} } }),
      /mcp-estate:servers\.memroy: there is no server "memroy" in the catalogue; known are ai-memory, asana, .*, time; program: declares another$/m,
    );
  });

  it("R-LIM-01: a limit that was taken away, and negative memory", async () => {
    const lines = await refusal({
      "mcp-estate:servers": { memory: { limits: { pids: null } }, fetch: { limits: { memoryMiB: -5 } } },
    });
    assert.match(lines, /mcp-estate:servers\.memory\.limits\.pids: null given/);
    assert.match(lines, /mcp-estate:servers\.fetch\.limits\.memoryMiB: -5 given; .*>=16/);
  });

  it("A-19: reservations that the host cannot hold", async () => {
    assert.match(
      await refusal({
        "mcp-estate:servers": { memory: { limits: { memoryMiB: 9_000_000, memoryReservationMiB: 8_000_000 } } },
      }),
      /the reservations of 3 workloads add up to 8000192 MiB and host .* has \d+ MiB/,
    );
  });

  it("a port of the host that somebody else has", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(estate.port, "127.0.0.1", resolve));
    try {
      const result = await estate.command("up", ["--yes"]);
      assert.equal(result.code, 1);
      assert.equal(errorLines(result).length, 1, result.output);
      assert.match(errorLines(result)[0] ?? "", /11821.*mcp-estate:gateway\.port/);
    } finally {
      other.close();
    }
  });

  it("a Docker that is not there", async () => {
    const result = await estate.command("up", ["--yes"], { DOCKER_HOST: "unix:///nowhere/docker.sock" });
    assert.equal(result.code, 1);
    assert.equal(errorLines(result).length, 1, result.output);
    assert.match(errorLines(result)[0] ?? "", /unix:\/\/\/nowhere\/docker\.sock/);
  });

  it("a stack that another command is working on, naming its process", async () => {
    const first = estate.command("up", ["--yes"]);
    await eventually(() => {
      const locks = readdirSync(join(estate.folder, ".pulumi/locks"), { recursive: true }).map(String);
      assert.ok(locks.some((file) => file.endsWith(".json")));
      return Promise.resolve();
    }, 60_000);
    const second = await estate.command("up", ["--yes"]);
    const { code, output } = await first;
    assert.equal(code, 0, output);
    assert.equal(second.code, 1, second.output);
    assert.match(errorLines(second)[0] ?? "", /e2erefuse.*process \d+/);
  });

  it("a passphrase that is missing", async () => {
    const elsewhere = { XDG_CONFIG_HOME: join(estate.folder, "empty") };
    const result = await estate.command("up", ["--yes"], elsewhere);
    assert.equal(result.code, 1);
    assert.equal(errorLines(result).length, 1, result.output);
    assert.match(errorLines(result)[0] ?? "", /is encrypted .*set PULUMI_CONFIG_PASSPHRASE/);
  });
});
