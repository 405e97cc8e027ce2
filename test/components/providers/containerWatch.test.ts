import assert from "node:assert/strict";
import type Docker from "dockerode";
import {
  expectedFacts,
  observedFacts,
  type ContainerDeclaration,
} from "../../../components/providers/containerFacts.ts";
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

  it("expects a service that joins no network on Docker's default bridge", () => {
    const { hostname: _none, ...rest } = declared;
    assert.deepEqual(expectedFacts({ ...rest, networksAdvanced: [] }, IMAGE)["networksAdvanced"], ["bridge as "]);
  });

  it("refuses by name an argument that nobody would compare", () => {
    assert.throws(() => expectedFacts({ ...declared, rm: true }, IMAGE), /container argument "rm"/);
  });

  it("puts a service's own environment, entrypoint and command over its image's, and tells no secret", () => {
    const image = { ...IMAGE, Config: { Env: ["PATH=/bin", "MODE=image"], Cmd: ["serve"], WorkingDir: "/srv" } };
    const facts = expectedFacts({ ...declared, envs: ["MODE=own"], entrypoints: ["/start"] }, image, { PW: "canary" });
    assert.deepEqual(facts["envs"], ["MODE=own", "PATH=/bin", "PW=(secret)"]);
    assert.deepEqual([facts["entrypoints"], facts["command"], facts["workingDir"]], [["/start"], [], "/srv"]);
  });

  it("sees that a secret variable has another value, and tells neither", () => {
    const info = {
      Id: "0123456789abcdef",
      Name: "/db",
      Image: "sha256:1",
      Config: { Env: ["PW=guess", "A=b"], Hostname: "0123456789ab", Labels: {} },
      HostConfig: { ShmSize: 67108864, ExtraHosts: ["peer:10.0.0.9"], Init: true },
      NetworkSettings: {
        Networks: { front: { Aliases: ["shop", "0123456789ab"], IPAMConfig: { IPv4Address: "10.1.2.3" } } },
      },
    } as unknown as Docker.ContainerInspectInfo;
    const facts = observedFacts(info, { PW: "canary" });
    assert.deepEqual(facts["envs"], ["A=b", "PW=(another value)"]);
    assert.deepEqual(facts["networksAdvanced"], ["front as shop at 10.1.2.3"]);
    assert.deepEqual([facts["shmSize"], facts["hosts"], facts["init"]], [64, ["peer:10.0.0.9"], true]);
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
