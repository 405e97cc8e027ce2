import assert from "node:assert/strict";
import { Readable } from "node:stream";
import type Docker from "dockerode";
import { causes, type Task } from "../../../../components/providers/swarm/tasks.ts";

const LOG = "the last line of a task";

function frame(text: string): Buffer {
  const header = Buffer.alloc(8);
  header[0] = 1;
  header.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([header, Buffer.from(text)]);
}

/** A swarm of one node whose every task has written that. */
const swarmOf = (log: string): Docker =>
  ({
    listNodes: () => Promise.resolve([{ ID: "n1", Description: { Hostname: "node-1" } }]),
    modem: {
      dial: (_options: object, callback: (error: null, stream: Readable) => void) =>
        callback(null, Readable.from([frame(log)])),
    },
  }) as unknown as Docker;
const docker = swarmOf(`${LOG}\n`);

function task(id: string, desired: string, status: Partial<Task["Status"]> & { State: string }): Task {
  return {
    ID: id,
    Slot: 1,
    NodeID: "n1",
    CreatedAt: "2026-01-01T00:00:00Z",
    DesiredState: desired,
    Spec: {} as Task["Spec"],
    Status: { Timestamp: "2026-01-01T00:00:00Z", ContainerStatus: { ContainerID: "c" }, ...status },
  };
}

const NONE: ReadonlySet<string> = new Set();

describe("why tasks are not what they should be", () => {
  it("tells of what failed in its own words, with node and log, each cause once", async () => {
    const failed = { State: "failed", Err: "task: non-zero exit (1)" };
    const lines = await causes(docker, [task("a", "shutdown", failed), task("b", "shutdown", failed)], NONE);
    assert.deepEqual(lines, [`task 1 on node-1 failed: task: non-zero exit (1)\n    ${LOG}`]);
  });

  it("tells of one that waits for a node, and not of those that were there before the update", async () => {
    const waits = task("a", "running", { State: "pending", Err: "no suitable node" });
    const old = task("b", "shutdown", { State: "failed", Err: "of yesterday" });
    const lines = await causes(docker, [{ ...waits, NodeID: "" }, old], new Set(["b"]));
    assert.deepEqual(lines, [`task 1 on no node pending: no suitable node\n    ${LOG}`]);
  });

  it("where none gives a reason, tells of what was taken away again, for its log", async () => {
    const runs = task("a", "running", { State: "running", Message: "started" });
    const gone = task("b", "shutdown", { State: "shutdown", Message: "shutdown", Err: "" });
    assert.deepEqual(await causes(docker, [runs, gone], NONE), [`task 1 on node-1 shutdown: shutdown\n    ${LOG}`]);
  });

  it("of those, leaves out who never had a container where another had", async () => {
    const gone = task("a", "shutdown", { State: "shutdown", Message: "shutdown" });
    const { ContainerStatus: _none, ...unborn } = task("b", "shutdown", { State: "accepted" }).Status;
    const lines = await causes(docker, [{ ...task("b", "shutdown", unborn), Status: unborn }, gone], NONE);
    assert.deepEqual(lines, [`task 1 on node-1 shutdown: shutdown\n    ${LOG}`]);
  });

  it("tells the last four lines of a long log", async () => {
    const long = swarmOf(Array.from({ length: 50 }, (_, line) => `line ${line}\n`).join(""));
    const [cause = ""] = await causes(long, [task("a", "shutdown", { State: "failed", Err: "exit" })], NONE);
    assert.deepEqual(
      cause.split("\n").slice(1),
      [46, 47, 48, 49].map((line) => `    line ${line}`),
    );
  });
});
