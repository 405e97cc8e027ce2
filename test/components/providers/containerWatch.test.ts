import assert from "node:assert/strict";
import { expectedFacts, type ContainerDeclaration } from "../../../components/providers/containerFacts.ts";
import { diffWatch, type ContainerWatchState } from "../../../components/providers/containerWatch.ts";

const IMAGE = { Id: "sha256:a", Config: { Env: ["PATH=/bin"], Labels: { of: "image" } } };
const declared: ContainerDeclaration = {
  image: "sha256:a",
  hostname: "memory",
  cpus: "0.50",
  healthcheck: { tests: ["CMD", "true"], interval: "1m30s", timeout: "500ms" },
  labels: [{ label: "own", value: "yes" }],
  networksAdvanced: [{ name: "net", aliases: ["other"] }],
  start: false,
};

function state(found: ContainerWatchState["found"]): ContainerWatchState {
  return { namePrefix: "estate-memory-", declared, found, expected: {} };
}

describe("ContainerWatch", () => {
  const news = { namePrefix: "estate-memory-", declared, found: {} };

  it("reads what is declared as Docker says it", () => {
    const facts = expectedFacts(declared, IMAGE);
    assert.equal(facts["cpus"], 0.5);
    assert.deepEqual(facts["healthcheck"], [
      "test=CMD true",
      "retries=0",
      "interval=90s",
      "startPeriod=0s",
      "timeout=0.5s",
    ]);
    assert.deepEqual(facts["labels"], ["of=image", "own=yes"]);
    assert.deepEqual(facts["networksAdvanced"], ["net as memory, other"]);
    assert.deepEqual(facts["envs"], ["PATH=/bin"]);
    assert.equal("start" in facts, false);
  });

  it("refuses by name an argument that nobody would compare", () => {
    assert.throws(() => expectedFacts({ ...declared, shmSize: 64 }, IMAGE), /container argument "shmSize"/);
  });

  it("does nothing while all is as declared", () => {
    assert.deepEqual(diffWatch(state({}), news), { changes: false, replaces: [] });
  });

  it("puts right in place what Docker can change", () => {
    assert.deepEqual(diffWatch(state({ cpus: 1, restart: "no" }), news), { changes: true, replaces: [] });
  });

  it("becomes a replacement, and takes the container with it, for all else", () => {
    assert.deepEqual(diffWatch(state({ cpus: 1, envs: ["A=…"] }), news), { changes: true, replaces: ["found"] });
  });

  it("leaves a change in the program to the container's own resource", () => {
    const changed = { ...news, declared: { ...declared, memory: 300 } };
    assert.deepEqual(diffWatch(state({}), changed), { changes: true, replaces: [] });
  });
});
