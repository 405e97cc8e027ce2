import assert from "node:assert/strict";
import { join } from "node:path";
import { requireDurableState } from "../../../../scripts/lib/ci/durableState.ts";
import { projectDir } from "../../../../scripts/lib/paths.ts";

const inWorkflow = { GITHUB_ACTIONS: "true" };

describe("state of a workflow (R-VOL-04)", () => {
  it("may lie anywhere on a person's machine", () => {
    assert.doesNotThrow(() => requireDurableState({}));
  });

  it("may lie in Pulumi Cloud, in a bucket or in a folder that lasts", () => {
    for (const env of [
      { PULUMI_ACCESS_TOKEN: "pul-x" },
      { PULUMI_BACKEND_URL: "s3://bucket" },
      { PULUMI_BACKEND_URL: "file:///srv/mcp-estate" },
    ]) {
      assert.doesNotThrow(() => requireDurableState({ ...inWorkflow, ...env }));
    }
  });

  it("is refused in the checkout, whether named or by default", () => {
    for (const url of [undefined, "", `file://${projectDir}`, `file://${join(projectDir, "state")}`]) {
      assert.throws(() => requireDurableState({ ...inWorkflow, PULUMI_BACKEND_URL: url }), /would lie in the checkout/);
    }
  });
});
