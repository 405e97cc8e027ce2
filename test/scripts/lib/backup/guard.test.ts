import assert from "node:assert/strict";
import { endangered } from "../../../../scripts/lib/backup/guard.ts";
import type { PlannedChange } from "../../../../scripts/lib/plan.ts";

const change = (resource: string, action: PlannedChange["action"], type = "docker:index/volume:Volume") => ({
  resource,
  action,
  type,
  dockerName: `in-docker-${resource.split(" ")[1] ?? ""}`,
  because: [],
});

describe("what a plan does to data volumes (R-VOL-04, R-VOL-08)", () => {
  it("names those that it removes or replaces as Docker does, and no other object", () => {
    const plan = [
      change("volume notes-data", "delete"),
      change("volume memory-data", "replace"),
      change("volume files-files", "create"),
      change("volume fetch-cache", "update"),
      change("container notes", "delete", "docker:index/container:Container"),
    ];
    const names = [...endangered(plan)];
    assert.deepEqual(names, ["in-docker-notes-data", "in-docker-memory-data"]);
  });
});
