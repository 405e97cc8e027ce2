import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { catalogue } from "../../../../components/catalogue/index.ts";
import { resolveEstate } from "../../../../components/estateConfig.ts";
import { projectDir } from "../../../../scripts/lib/paths.ts";
import { UNKNOWN } from "../../../../scripts/lib/esc/index.ts";
import { fillPlaceholders, type Schema } from "../../../../scripts/lib/settings/placeholders.ts";
import { SecretValue, type Settings } from "../../../../scripts/lib/settings/tree.ts";

const whole = JSON.parse(readFileSync(join(projectDir, "docs/estate.schema.json"), "utf8")) as Schema;
const schema = whole.properties?.["config"] ?? {};

describe("placeholders (R-SEC-01)", () => {
  it("have the type of what they stand for, so that the program takes them, and are all named", () => {
    const settings: Settings = {
      "mcp-estate:target": UNKNOWN,
      "mcp-estate:gateway": { bind: UNKNOWN, port: UNKNOWN },
      "mcp-estate:volumes": { protect: UNKNOWN },
      "mcp-estate:health": { intervalSeconds: UNKNOWN, timeoutSeconds: 2, failures: UNKNOWN },
      "mcp-estate:servers": {
        memory: { env: { TOKEN: UNKNOWN }, secretEnv: { KEY: UNKNOWN }, limits: { pids: UNKNOWN }, args: UNKNOWN },
      },
    };
    const { settings: filled, placeholders } = fillPlaceholders(settings, schema, false);
    assert.deepEqual(filled, {
      "mcp-estate:target": "docker",
      "mcp-estate:gateway": { bind: "127.0.0.99", port: 1 },
      "mcp-estate:volumes": { protect: false },
      "mcp-estate:health": { intervalSeconds: 1, timeoutSeconds: 2, failures: 1 },
      "mcp-estate:servers": {
        memory: {
          env: { TOKEN: "PLACEHOLDER-mcp-estate-servers-memory-env-TOKEN" },
          secretEnv: { KEY: "PLACEHOLDER-mcp-estate-servers-memory-secretEnv-KEY" },
          limits: { pids: 8 },
          args: [],
        },
      },
    });
    assert.equal(placeholders.size, 10);
    assert.equal(placeholders.get("mcp-estate:gateway.bind"), "127.0.0.99");
    const plain = Object.fromEntries(
      Object.entries(filled).map(([key, value]) => [key.replace("mcp-estate:", ""), value]),
    );
    assert.doesNotThrow(() => resolveEstate(plain, catalogue));
  });

  it("stand for secrets only where these cannot be opened", () => {
    const secret = { secure: "v1:abc:def" };
    const settings = {
      "mcp-estate:servers": { memory: { env: { TOKEN: secret } } },
      "other:list": [secret],
      "other:key": new SecretValue("given"),
    };
    assert.deepEqual(fillPlaceholders(settings, schema, false).settings, settings);
    const { settings: filled, placeholders } = fillPlaceholders(settings, schema, true);
    assert.doesNotMatch(JSON.stringify(filled), /secure|given|\[secret\]/);
    assert.deepEqual([...placeholders.keys()], ["mcp-estate:servers.memory.env.TOKEN", "other:list[0]", "other:key"]);
  });

  it("hide no key that is missing: what is not there stays so", () => {
    const { settings } = fillPlaceholders({ "mcp-estate:gateway": { bind: UNKNOWN } }, schema, true);
    assert.throws(
      () => resolveEstate({ gateway: settings["mcp-estate:gateway"] }, catalogue),
      /mcp-estate:servers: nothing given/,
    );
  });
});
