import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { limitClasses, limitClassNames, type LimitClass } from "../../components/limitClasses.ts";
import { readKernelLimits } from "../../components/providers/kernelLimits.ts";
import type { Limits } from "../../runtime/contract/index.ts";
import { table } from "../../scripts/lib/log.ts";
import { projectDir } from "../../scripts/lib/paths.ts";
import * as kit from "./attackKit.ts";
import { recordCounters, type KernelRecord } from "./kernelCounters.ts";
import { Neighbour } from "./neighbour.ts";
import { places } from "./places.ts";
import { docker, eventually, TestEstate } from "./testEstate.ts";

const MIB = 1024 * 1024;
/** What a neighbour's p95 may be during an attack. */
const NEIGHBOUR_P95_MS = 200;
/** Size of /tmp in every server (mcpServer.ts). */
const SCRATCH_BYTES = 64 * MIB;
/** Docker starts a new file with the first line that does not fit. */
const LOG_FILE_BYTES = 10 * 1000 * 1000 + 2000;
/**
 * Docker's own helper joins the full group from outside for a moment at each `docker exec` and health probe: the kernel
 * counts what is moved in and refuses what is forked in.
 */
const EXEC_TASKS = 10;
/** The last attack took a server's memory just before: its program is started again and proves itself. */
const RECOVERY_MS = 60_000;
/** The supervisor's guard may end an attack before the kernel stops it; then the attack comes again. */
const TRIES = 3;

const example = parse(readFileSync(join(projectDir, "examples/metamcp/Pulumi.metamcp.yaml"), "utf8")) as {
  config: Record<string, unknown> & { "mcp-estate:servers": Record<string, unknown> };
};
/** One server per class; the hub is the example's own. */
const serverOf = (limitClass: LimitClass): string => (limitClass === "hub" ? "metamcp" : `a-${limitClass}`);

const estate = new TestEstate("atk", {
  config: {
    ...example.config,
    "mcp-estate:network": { range: places.atk.range },
    "mcp-estate:gateway": { port: places.atk.port },
    "mcp-estate:allowOvercommit": true,
    "mcp-estate:servers": {
      ...example.config["mcp-estate:servers"],
      neighbour: { from: "everything" },
      ...Object.fromEntries(
        limitClassNames
          .filter((limitClass) => limitClass !== "hub")
          .map((limitClass) => [serverOf(limitClass), { from: "everything", limitClass }]),
      ),
    },
  },
});

type Result = KernelRecord & { result: kit.Outcome };

describe("Attacks from inside a server, one per limit class, end to end", function () {
  this.timeout(300_000);
  let neighbour: Neighbour;
  const latencies: string[][] = [];

  before(async () => {
    await estate.create();
    await estate.succeed("up", ["--yes"]);
    await estate.token();
    neighbour = new Neighbour(estate, "neighbour");
  });
  after(async () => {
    await neighbour?.stop();
    console.log(table(["ATTACK", "CLASS", "CALLS", "NEIGHBOUR'S P95"], latencies));
    await estate.dispose();
  });

  /** Attacks until the kernel's answer is seen: the exit code is the expected one. */
  async function attack(what: string, limitClass: LimitClass, means: kit.Attack, expectedCode = 0): Promise<Result> {
    const { id } = await estate.container(serverOf(limitClass));
    for (let tries = 1; ; tries++) {
      const info = await eventually(async () => {
        const found = await docker.getContainer(id).inspect();
        assert.ok(found.State.Running);
        return found;
      }, 30_000);
      neighbour.reset();
      const record = await recordCounters(info.State.Pid, kit.launch(id, means));
      const { calls, p95, failures } = neighbour.report();
      if (record.result.code !== expectedCode && tries < TRIES) continue;
      latencies.push([what, limitClass, String(calls), `${p95.toFixed(0)} ms`]);
      assert.equal(record.result.code, expectedCode, record.result.output);
      assert.deepEqual(failures, [], "the neighbour's calls");
      // Other work on the machine slows a neighbour too: an attack that is to blame does so each time.
      if (p95 >= NEIGHBOUR_P95_MS && tries < TRIES) continue;
      assert.ok(p95 < NEIGHBOUR_P95_MS, `p95 of the neighbour during ${what} on ${limitClass}: ${p95} ms`);
      return record;
    }
  }

  /** What the kernel enforces on the class's container. */
  async function kernelOf(limitClass: LimitClass) {
    const info = await (await estate.container(serverOf(limitClass))).inspect();
    return readKernelLimits(info.State.Pid);
  }

  /** Every one of the attempts that was not granted was refused at the declared number of tasks. */
  async function assertTasksStopped(limitClass: LimitClass, limits: Limits, { result, most }: Result): Promise<void> {
    assert.equal((await kernelOf(limitClass)).pids, limits.pids);
    assert.equal(result.done + result.refused, kit.FORKS);
    assert.ok(result.refused >= kit.FORKS - limits.pids, `${result.refused} refused`);
    assert.equal(result.reason, "Resource temporarily unavailable");
    assert.ok(most.refusedTasks >= result.refused, `pids.events counts ${most.refusedTasks}`);
    assert.ok(result.done < limits.pids, `${result.done} of its own`);
    const { tasks } = most;
    assert.ok(tasks >= limits.pids - 2 && tasks <= limits.pids + EXEC_TASKS, `${tasks} tasks of ${limits.pids}`);
  }

  function assertMemoryStopped(limits: Limits, { most }: Result): void {
    const bytes = limits.memoryMiB * MIB;
    assert.ok(most.oomKills > 0, "the kernel killed it");
    assert.ok(most.memoryPeakBytes <= bytes && most.memoryPeakBytes > bytes - MIB, `${most.memoryPeakBytes} bytes`);
    assert.equal(most.swapBytes, 0);
  }

  for (const limitClass of limitClassNames) {
    const limits: Limits = limitClasses[limitClass];

    describe(`class ${limitClass}`, () => {
      it(`${limitClass === "hub" ? "A-22 and " : ""}R-LIM-07: ${kit.FORKS} forks stop at ${limits.pids} tasks`, async () => {
        await assertTasksStopped(limitClass, limits, await attack("fork loop", limitClass, kit.forkLoop));
      });

      it(`R-LIM-10: a thread loop stops at ${limits.pids} tasks`, async () => {
        await assertTasksStopped(limitClass, limits, await attack("thread loop", limitClass, kit.threadLoop));
      });

      it(`open files end at ${limits.nofile.hard}`, async () => {
        const { result } = await attack("open files", limitClass, kit.openFiles);
        assert.deepEqual((await kernelOf(limitClass)).nofile, limits.nofile);
        assert.equal(result.done, limits.nofile.hard);
        assert.equal(result.reason, "Too many open files");
        assert.doesNotMatch(result.output, /raised the hard limit/);
      });

      it(`a CPU burn gets ${limits.cpus} processors at most`, async () => {
        // On a busy host the group may not get what its quota allows, and then nothing throttles it.
        const record = await eventually(async () => {
          const found = await attack("CPU burn", limitClass, kit.cpuBurn);
          assert.ok(limits.cpus >= cpus().length || found.most.throttledPeriods > 0, "throttled");
          return found;
        }, 40_000);
        assert.equal((await kernelOf(limitClass)).cpus, limits.cpus);
        const used = record.most.cpuSeconds / record.seconds;
        assert.ok(used <= limits.cpus * 1.1, `${used.toFixed(2)} processors`);
      });

      it("/tmp ends at its size", async () => {
        const { result } = await attack("tmpfs fill", limitClass, kit.tmpfsFill);
        assert.equal(result.reason, "No space left on device");
        assert.equal(result.done, SCRATCH_BYTES);
      });

      it("a log flood stays in three files of 10 MB", async () => {
        await attack("log flood", limitClass, kit.logFlood);
        const sizes = await kit.logFileSizes(await (await estate.container(serverOf(limitClass))).inspect());
        assert.equal(sizes.length, 3);
        assert.deepEqual(
          sizes.filter((size) => size > LOG_FILE_BYTES),
          [],
        );
      });

      it(`${limitClass === "hub" ? "A-23 and " : ""}R-LIM-07: ${limits.memoryMiB * 1.25} MiB are killed at ${limits.memoryMiB}, with no swap`, async () => {
        const { memoryBytes, memorySwapBytes } = await kernelOf(limitClass);
        assert.equal(memoryBytes, limits.memoryMiB * MIB);
        assert.ok(memorySwapBytes === undefined || memorySwapBytes === memoryBytes, `${memorySwapBytes} with swap`);
        const before = await usedBytes();
        let most = before;
        const timer = setInterval(() => void usedBytes().then((used) => (most = Math.max(most, used))), 50);
        const record = await attack("memory hog", limitClass, kit.memoryHog(limits), 137).finally(() =>
          clearInterval(timer),
        );
        assertMemoryStopped(limits, record);
        // Others work on this host too: half a GiB is theirs.
        const taken = most - before;
        assert.ok(taken < (limits.memoryMiB + 512) * MIB, `the host lost ${Math.round(taken / MIB)} MiB`);
        await eventually(async () => {
          const lost = (await usedBytes()) - before;
          assert.ok(lost < 512 * MIB, `the host is still ${Math.round(lost / MIB)} MiB short`);
        }, 5_000);
      });
    });
  }

  describe("afterwards", () => {
    it("the estate recovers: all healthy, no container lost, nothing to change", async () => {
      await neighbour.stop();
      await estate.succeed("up", ["--yes", "--expect-no-changes"]);
      await eventually(async () => {
        for (const { name, state } of await estate.servers()) assert.equal(state, "healthy", name);
      }, RECOVERY_MS);
    });
  });
});

/**
 * Memory that programs and the kernel hold on this host. Not what is free: a virtual machine's balloon and its page
 * cache move that by hundreds of MiB while nothing runs.
 */
async function usedBytes(): Promise<number> {
  const text = await readFile("/proc/meminfo", "utf8");
  return ["AnonPages", "Shmem", "SUnreclaim", "PageTables", "KernelStack"]
    .map((name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(text)?.[1]) * 1024)
    .reduce((sum, bytes) => sum + bytes, 0);
}
