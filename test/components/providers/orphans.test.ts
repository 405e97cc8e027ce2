import assert from "node:assert/strict";
import { isSecretsVolume, judgeContainer, type OrphanPolicy } from "../../../components/providers/orphans.ts";

const policy: OrphanPolicy = {
  patterns: ["mcp/*", "*-mcp-*"],
  patterned: "report",
  keepImages: 3,
  hostProcesses: "report",
  hostAllowed: [],
  startScripts: "report",
  startScriptPaths: [],
};
const query = { estate: "mcp-estate", stack: "dev", policy };
const mark = (estate: string, stack: string) => ({ "mcp-estate.estate": estate, "mcp-estate.stack": stack });
const judge = (labels: Record<string, string>, name = "x", image = "y", given = query) =>
  judgeContainer(labels, name, image, given);

describe("orphans: whose a container is (R-DRF-02, A-13)", () => {
  it("removes what carries this stack's mark", () => {
    assert.deepEqual(judge(mark("mcp-estate", "dev")), {
      reason: "carries this stack's mark and is not in its state",
      action: "remove",
    });
  });

  it("never looks at another stack or estate, whatever matches", () => {
    assert.equal(judge(mark("mcp-estate", "prod"), "a-mcp-b", "mcp/fetch"), undefined);
    assert.equal(judge(mark("other", "dev"), "a-mcp-b", "mcp/fetch"), undefined);
  });

  it("reports what matches a pattern by image, with or without tag, or by name", () => {
    for (const [name, image] of [
      ["bold_williamson", "mcp/fetch"],
      ["jovial_bohr", "mcp/duckduckgo:latest"],
      ["postgres-mcp-2923377", "postgres:15"],
    ]) {
      assert.equal(judge({}, name, image)?.action, "report", name);
    }
  });

  it("removes it where the user says so", () => {
    const given = { ...query, policy: { ...policy, patterned: "remove" as const } };
    assert.deepEqual(judge({}, "bold_williamson", "mcp/fetch", given), {
      reason: "matches the pattern mcp/*",
      action: "remove",
    });
  });

  it("leaves decoys alone: a similar name, a deeper path, a registry with a port", () => {
    for (const [name, image] of [
      ["mcp", "mcpx/fetch"],
      ["mcp-tool", "mcp"],
      ["a", "docker.example/mcp/fetch"],
      ["b", "localhost:5000/mcp"],
    ]) {
      assert.equal(judge({}, name, image), undefined, `${name} ${image}`);
    }
  });

  it("touches nothing without patterns", () => {
    const given = { ...query, policy: { ...policy, patterns: [] } };
    assert.equal(judge({}, "bold_williamson", "mcp/fetch", given), undefined);
  });

  it("R-VOL-08: of volumes it removes those of secret files alone, and no name that is merely like one", () => {
    const names = [
      "mcp-estate-dev-memory-secrets-0a1b2c3",
      "mcp-estate-dev-memory-data",
      "mcp-estate-dev-memory-secrets",
      "mcp-estate-dev-memory-secrets-0a1b2c3d",
      "mcp-estate-prod-memory-secrets-0a1b2c3",
      "secrets-0a1b2c3",
    ];
    assert.deepEqual(
      names.filter((name) => isSecretsVolume(name, query)),
      ["mcp-estate-dev-memory-secrets-0a1b2c3"],
    );
  });
});
