import assert from "node:assert/strict";
import { endangered } from "../../../../scripts/lib/backup/guard.ts";
import type { PlannedChange } from "../../../../scripts/lib/plan.ts";

const change = (resource: string, action: PlannedChange["action"], type = "docker:index/volume:Volume") => ({
  resource,
  action,
  type,
  because: [],
});

describe("what a plan does to data volumes (R-VOL-04, R-VOL-08)", () => {
  it("names those that it removes or replaces, and no other object", () => {
    const plan = [
      change("volume notes-data", "delete"),
      change("volume memory-data", "replace"),
      change("volume files-files", "create"),
      change("volume fetch-cache", "update"),
      change("container notes", "delete", "docker:index/container:Container"),
    ];
    const names = [...endangered(plan, "mcp-estate-dev-")];
    assert.deepEqual(names, ["mcp-estate-dev-notes-data", "mcp-estate-dev-memory-data"]);
  });
});
