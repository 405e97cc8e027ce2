import assert from "node:assert/strict";
import { findDrift } from "../../../scripts/lib/drift.ts";
import { readEvents, resourceSteps } from "../../../scripts/lib/engineEvents.ts";
import { plannedChanges } from "../../../scripts/lib/plan.ts";

const CONTAINER = "docker:index/container:Container";
const LIMIT = "pulumi-nodejs:dynamic/index:ProcessLimit";
const PREFIX = "mcp-estate-dev-";

interface Step {
  when?: "resourcePreEvent" | "resOutputsEvent";
  op: string;
  type: string;
  name: string;
  old?: object;
  new?: object;
  diffs?: string[];
}

/** Lines as the engine writes them to its event log. */
function log(...steps: Step[]): string {
  return steps
    .map(({ when = "resOutputsEvent", op, type, name, diffs, ...states }) =>
      JSON.stringify({
        sequence: 1,
        [when]: {
          metadata: {
            op,
            type,
            urn: `urn:pulumi:dev::mcp-estate::mcp:index:McpServer$${type}::${name}`,
            diffs,
            ...states,
          },
        },
      }),
    )
    .concat(JSON.stringify({ diagnosticEvent: { severity: "info", message: "hello" } }), "")
    .join("\n");
}

function drift(...steps: Step[]) {
  return findDrift(resourceSteps(readEvents(log(...steps))), PREFIX);
}

describe("drift in words (R-DRF-01)", () => {
  const memory = { op: "refresh", type: CONTAINER, name: "mcp-estate-dev-memory" };

  it("names resource, property, declared and found", () => {
    const found = drift({
      ...memory,
      old: { outputs: { memory: 256, cpus: "1" } },
      new: { outputs: { memory: 300, cpus: "1" } },
    });
    assert.deepEqual(found, [{ resource: "container memory", property: "memory", declared: "256", found: "300" }]);
  });

  it("says nothing of an untouched container, whatever it computed when it started", () => {
    const old = { outputs: { memory: 256, networkDatas: [{ ipAddress: "" }], exitCode: 1, __meta: "a" } };
    const now = { outputs: { memory: 256, networkDatas: [{ ipAddress: "10.1.2.3" }], exitCode: 0, __meta: "b" } };
    assert.deepEqual(drift({ ...memory, old, new: now }), []);
  });

  it("finds a property that nobody declared", () => {
    assert.deepEqual(drift({ ...memory, old: { outputs: {} }, new: { outputs: { privileged: true } } }), [
      { resource: "container memory", property: "privileged", declared: "none", found: "true" },
    ]);
  });

  it("tells a removed container once, not once for each thing that belongs to it", () => {
    const found = drift(
      { ...memory, old: { outputs: { memory: 256 } } },
      { op: "refresh", type: LIMIT, name: "memory", old: { outputs: { observedPids: 32 } } },
    );
    assert.deepEqual(found, [{ resource: "container memory", property: "exists", declared: "yes", found: "removed" }]);
  });

  it("shows of two lists only what differs", () => {
    const edge = { name: "edge", aliases: ["memory"] };
    const found = drift({
      ...memory,
      old: { outputs: { networksAdvanced: [edge] } },
      new: { outputs: { networksAdvanced: [edge, { name: "bridge", aliases: [], ipv4Address: "" }] } },
    });
    assert.equal(found[0]?.declared, "–");
    assert.equal(found[0].found, '{"name":"bridge"}');
  });

  it("calls what ProcessLimit observes by its name", () => {
    const limit = { op: "refresh", type: LIMIT, name: "memory" };
    const found = drift({
      ...limit,
      old: { outputs: { observedPids: 25, observedState: "running" } },
      new: { outputs: { observedPids: 99, observedState: "exited" } },
    });
    assert.deepEqual(
      found.map(({ resource, property, declared, found: is }) => [resource, property, declared, is]),
      [
        ["container memory", "pids", "25", "99"],
        ["container memory", "state", "running", "exited"],
      ],
    );
  });

  it("R-DRF-03: names an orphan with image, age, memory and reason; a reported one only once", () => {
    const sweep = { op: "refresh", type: "pulumi-nodejs:dynamic/index:OrphanSweep", name: "orphans" };
    const created = new Date(Date.now() - 3 * 3_600_000).toISOString();
    const reported = {
      kind: "container",
      name: "bold_williamson",
      image: "mcp/fetch",
      created,
      memoryMiB: 48,
      reason: "matches the pattern mcp/*",
      action: "report",
    };
    const twin = { kind: "container", name: "dev-memory-1", reason: "carries this stack's mark", action: "remove" };
    assert.deepEqual(
      drift({ ...sweep, old: { outputs: { found: [] } }, new: { outputs: { found: [reported, twin] } } }),
      [
        {
          resource: "container bold_williamson",
          property: "exists",
          declared: "no, is reported",
          found: "mcp/fetch, 3 h old, 48 MiB, matches the pattern mcp/*",
        },
        {
          resource: "container dev-memory-1",
          property: "exists",
          declared: "no, will be removed",
          found: "carries this stack's mark",
        },
      ],
    );
    const again = drift({ ...sweep, old: { outputs: { found: [reported] } }, new: { outputs: { found: [reported] } } });
    assert.deepEqual(again, []);
  });

  it("takes nothing for nothing, however a provider writes it", () => {
    const old = { outputs: { tmpfs: {}, dns: [], user: null } };
    assert.deepEqual(drift({ ...memory, old, new: { outputs: {} } }), []);
    const found = drift({ ...memory, old, new: { outputs: { dns: ["8.8.8.8"], user: "" } } });
    assert.deepEqual(
      found.map(({ property }) => property),
      ["dns", "user"],
    );
  });

  it("ignores a last line that was cut off, and refuses one in the middle that is no event", () => {
    assert.equal(readEvents(`${log()}{"resOutp`).length, 1);
    assert.throws(() => readEvents("nonsense\n"), SyntaxError);
  });
});

describe("planned changes in words", () => {
  const planned = (...steps: Step[]) =>
    plannedChanges(
      resourceSteps(readEvents(log(...steps.map((step) => ({ ...step, when: "resourcePreEvent" as const }))))),
      PREFIX,
    ).map(({ action, resource, because }) => [action, resource, because.join()]);

  it("tells a container and what belongs to it in one row", () => {
    assert.deepEqual(
      planned(
        { op: "replace", type: CONTAINER, name: "mcp-estate-dev-memory", old: {}, new: {}, diffs: ["envs"] },
        {
          op: "replace",
          type: LIMIT,
          name: "memory",
          old: { inputs: { containerId: "a", observedPids: 99 } },
          new: { inputs: { containerId: "b", observedPids: 25 } },
        },
      ),
      [["replace", "container memory", "env,pids"]],
    );
  });

  it("R-DRF-03: names what a changed policy of the sweep takes, one row each", () => {
    const [old, planned_] = [{ patterned: "report" }, [{ resource: "container bold", reason: "matches mcp/*" }]];
    assert.deepEqual(
      planned({
        op: "update",
        type: "pulumi-nodejs:dynamic/index:OrphanSweep",
        name: "orphans",
        old: { inputs: { policy: old, planned: [] } },
        new: { inputs: { policy: { patterned: "remove" }, planned: planned_ } },
      }),
      [
        ["update", "sweep of orphans", "policy"],
        ["delete", "container bold", "policy: matches mcp/*"],
      ],
    );
  });

  it("leaves out what stays, what is refreshed, components and providers", () => {
    assert.deepEqual(
      planned(
        { op: "same", type: CONTAINER, name: "a", old: {}, new: {} },
        { op: "refresh", type: CONTAINER, name: "a", old: {}, new: {} },
        { op: "create-replacement", type: CONTAINER, name: "a", old: {}, new: {} },
        { op: "create", type: "mcp:index:McpServer", name: "a", new: {} },
        { op: "create", type: "pulumi:providers:docker", name: "a", new: {} },
      ),
      [],
    );
  });
});
