import assert from "node:assert/strict";
import { stripVTControlCharacters } from "node:util";
import type { ContainerFacts, Facts } from "../../../../scripts/lib/status/facts.ts";
import { recoveryScreen, screen } from "../../../../scripts/lib/status/screen.ts";
import { problems, recovered } from "../../../../scripts/lib/status/verdict.ts";

const container: ContainerFacts = {
  name: "memory",
  state: "running",
  health: "healthy",
  tasks: 12,
  pidsLimit: 32,
  processes: 3,
  memoryMiB: 70,
  memoryLimitMiB: 256,
  restarts: 0,
  upSeconds: 700,
  declared: { pids: 32, memoryMiB: 256 },
};
const well: Facts = {
  stack: "dev",
  declared: ["memory"],
  gatewayUrl: "http://127.0.0.1:11000",
  servers: [{ name: "memory", state: "healthy", ageSeconds: 3, tools: 9, reason: null, listsOnly: false }],
  containers: [container],
  monitoring: { down: [], alerts: [], growing: [] },
  faults: [],
};
const changed = (change: Partial<ContainerFacts>): Facts => ({ ...well, containers: [{ ...container, ...change }] });
const alert = { name: "LimitBypass", severity: "critical", level: "3", summary: "pids is 99", sinceSeconds: 61 };

describe("npm run status (R-OPS-05)", () => {
  it("finds nothing wrong where nothing is", () => {
    assert.deepEqual(problems(well), []);
    assert.match(
      stripVTControlCharacters(screen(well)),
      /^1 of 1 servers of stack "dev" work .*; nothing is wrong\.$/m,
    );
  });

  it("A-02: a server that can only list its tools does not count as one that works", () => {
    const [server] = well.servers;
    assert.ok(server);
    const text = stripVTControlCharacters(screen({ ...well, servers: [{ ...server, listsOnly: true }] }));
    assert.match(text, /^memory +lists only +/m);
    assert.match(text, /^0 of 1 servers of stack "dev" work .*, 1 list their tools only; /m);
  });

  it("R-ARC-07: a server that is declared stopped is no fault, nor its container that says so", () => {
    const [server] = well.servers;
    assert.ok(server);
    const stopped: Facts = {
      ...changed({ health: "unhealthy" }),
      servers: [{ ...server, state: "stopped", ageSeconds: null, reason: "the operator wants it stopped" }],
    };
    assert.deepEqual(problems(stopped), []);
    assert.match(stripVTControlCharacters(screen(stopped)), /, 1 stopped as declared; 0 alerts; nothing is wrong\.$/m);
    assert.ok(recovered(stopped).every(({ met }) => met));
  });

  const ill: Array<[string, Facts, string]> = [
    [
      "a server that gives no working answer",
      {
        ...well,
        servers: [
          {
            name: "memory",
            state: "unhealthy",
            ageSeconds: 60,
            tools: 9,
            reason: "no answer in 5 s",
            listsOnly: false,
          },
        ],
      },
      "memory is unhealthy: no answer in 5 s",
    ],
    ["a server that the gateway does not know", { ...well, servers: [] }, "memory: the gateway does not know it"],
    ["a container that is paused", changed({ state: "paused" }), "container memory is paused"],
    ["a container without a limit", changed({ pidsLimit: 0 }), "container memory has no pids limit"],
    ["a limit by hand", changed({ pidsLimit: 99 }), "memory: pids 32 declared, 99 in force"],
    ["an alert", { ...well, monitoring: { down: [], alerts: [alert], growing: [] } }, "LimitBypass: pids is 99"],
    [
      "a scrape that fails",
      { ...well, monitoring: { down: ["guard"], alerts: [], growing: [] } },
      "guard does not answer its scrape",
    ],
    ["what could not be asked", { ...well, faults: ["gateway: it answers 503"] }, "gateway: it answers 503"],
  ];
  for (const [what, facts, line] of ill) {
    it(`says ${what}`, () => {
      assert.ok(problems(facts).includes(line), problems(facts).join("\n"));
      assert.ok(stripVTControlCharacters(screen(facts)).includes(line));
    });
  }

  it("shows use beside its limit", () => {
    assert.match(
      stripVTControlCharacters(screen(well)),
      /^memory +running, healthy +3 +12 \/ 32 +70 \/ 256 MiB +11 min 40 s +0$/m,
    );
  });
});

describe("recovered (R-OPS-06)", () => {
  const unmet = (facts: Facts): string[] =>
    recovered(facts)
      .filter(({ met }) => !met)
      .map(({ name }) => name);

  it("is said when all five conditions hold", () => {
    assert.deepEqual(unmet(well), []);
    assert.match(recoveryScreen(recovered(well)), /\nRecovered\.\n$/);
  });

  const cases: Array<[string, Facts]> = [
    ["under 15 processes each", changed({ processes: 15 })],
    ["under 2 GiB each", changed({ memoryMiB: 2048 })],
    ["ten minutes without growth", { ...well, monitoring: { down: [], alerts: [], growing: ["memory"] } }],
    ["ten minutes without growth", { ...well, monitoring: { down: [], alerts: [], growing: undefined } }],
    ["all monitors active", { ...well, monitoring: { down: ["guard"], alerts: [], growing: [] } }],
    ["containers healthy", changed({ health: "unhealthy" })],
  ];
  for (const [name, facts] of cases) {
    it(`is not while this does not hold: ${name}`, () => {
      assert.deepEqual(unmet(facts), [name]);
      assert.match(recoveryScreen(recovered(facts)), /Not recovered\.\n$/);
    });
  }

  it("is not said of a stack without monitoring: nobody knows", () => {
    const { monitoring: _, ...without } = well;
    assert.deepEqual(unmet(without), ["ten minutes without growth", "all monitors active"]);
  });
});
