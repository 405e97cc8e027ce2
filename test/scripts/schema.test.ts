import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { projectDir } from "../../scripts/lib/paths.ts";
import { estateJsonSchema, schemaFile } from "../../scripts/schema.ts";

type Schema = Parameters<typeof z.fromJSONSchema>[0];
type Properties = Record<string, { properties: Properties; description?: string; additionalProperties: never }>;

describe("docs/estate.schema.json", () => {
  const text = readFileSync(schemaFile, "utf8");
  const schema = z.fromJSONSchema(JSON.parse(text) as Schema);
  const stackFile = (file: string) => parse(readFileSync(join(projectDir, file), "utf8")) as unknown;

  it("is current; npm run schema writes it", async () => {
    assert.equal(text, await estateJsonSchema());
  });

  for (const file of [
    "Pulumi.dev.yaml",
    "Pulumi.prod.yaml",
    "examples/metamcp/Pulumi.metamcp.yaml",
    "examples/sutazai/Pulumi.sutazai.yaml",
  ]) {
    it(`takes ${file}`, () => {
      assert.deepEqual(schema.safeParse(stackFile(file)).error?.issues, undefined);
    });
  }

  it("refuses an unknown key, a value out of bounds, and settings without servers", () => {
    const servers = { memory: {} };
    const accepted = (config: Record<string, unknown>) => schema.safeParse({ config }).success;
    assert.equal(accepted({ "mcp-estate:servers": servers, "docker:host": "ssh://somebody@somewhere" }), true);
    assert.equal(accepted({ "mcp-estate:servers": servers, "mcp-estate:sirvers": {} }), false);
    assert.equal(accepted({ "mcp-estate:servers": { memory: { limits: { pids: 2 } } } }), false);
    assert.equal(accepted({ "mcp-estate:target": "docker" }), false);
  });

  it("describes properties in the words of the source, those of limits too", () => {
    const { properties } = JSON.parse(text) as { properties: Properties };
    const gateway = properties["config"]?.properties["mcp-estate:gateway"]?.properties;
    assert.equal(gateway?.["port"]?.description, "Port on the host.");
    assert.match(gateway?.["limits"]?.properties["pids"]?.description ?? "", /^Tasks \(threads count\)/);
  });
});
