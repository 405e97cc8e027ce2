import assert from "node:assert/strict";
import { limitClasses } from "../../../../components/limitClasses.ts";
import { limitGaps, parseTaskLimits } from "../../../../components/providers/swarm/proof.ts";

const MIB = 1024 * 1024;
const COMMON = [
  "Max open files            1024                 2048                 files     ",
  "Max processes             100                  100                  processes ",
];
/** As a task on a node with control groups of version 1 says it. */
const V1 = [
  "pids 32",
  `memory ${256 * MIB}`,
  `memsw ${512 * MIB}`,
  "quota 100000",
  "period 100000",
  ...COMMON,
  "NoNewPrivs:\t1",
  "SwapTotal:             0 kB",
].join("\n");
/** The same on one with version 2. */
const V2 = [
  "pids 32",
  `memory ${256 * MIB}`,
  "swap 0",
  "cpu 100000 100000",
  ...COMMON,
  "NoNewPrivs:\t1",
  "SwapTotal: 2097148 kB",
].join("\n");

const limits = limitClasses.light;

describe("R-LIM-06: what a task's node enforces, read from inside", () => {
  const expected = {
    pids: 32,
    memoryBytes: 256 * MIB,
    swapBytes: 0,
    cpus: 1,
    nofile: { soft: 1024, hard: 2048 },
    nproc: 100,
    noNewPrivileges: true,
  };

  it("with control groups of version 1", () => {
    assert.deepEqual(parseTaskLimits(V1), expected);
    assert.deepEqual(limitGaps(limits, parseTaskLimits(V1)), []);
  });

  it("with control groups of version 2", () => {
    assert.deepEqual(parseTaskLimits(V2), expected);
    assert.deepEqual(limitGaps(limits, parseTaskLimits(V2)), []);
  });

  const gaps = (from: string, to: string) => limitGaps(limits, parseTaskLimits(V1.replace(from, to)));

  it("names each limit that is not in force", () => {
    assert.deepEqual(gaps("pids 32", "pids max"), ["pids: 32 declared, none in force"]);
    assert.deepEqual(gaps(`memory ${256 * MIB}`, "memory 9223372036854771712"), [
      `memory: ${256 * MIB} declared, none in force`,
    ]);
    assert.deepEqual(gaps("quota 100000", "quota -1"), ["cpus: 1 declared, none in force"]);
    assert.deepEqual(gaps("1024                 2048", "1024                 4096"), [
      "nofile hard: 2048 declared, 4096 in force",
    ]);
    assert.deepEqual(gaps("100                  100", "unlimited            unlimited"), [
      "nproc: 100 declared, none in force",
    ]);
  });

  it("refuses swap and privileges that a service cannot keep out, with what to do on the node", () => {
    assert.match(
      gaps("SwapTotal:             0", "SwapTotal:       4194304").join(),
      /swap: none declared, 268435456 bytes in force; .*swapoff -a/,
    );
    assert.match(gaps("NoNewPrivs:\t1", "NoNewPrivs:\t0").join(), /start the node's dockerd with --no-new-privileges/);
  });
});
