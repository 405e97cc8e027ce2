import assert from "node:assert/strict";
import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseCgroups, readKernelLimits } from "../../../components/providers/kernelLimits.ts";

/** Files as a kernel showed them for a container with 256 MiB, 0.5 cpus, 32 pids. */
const RLIMITS = [
  "Limit                     Soft Limit           Hard Limit           Units     ",
  "Max cpu time              unlimited            unlimited            seconds   ",
  "Max processes             100                  100                  processes ",
  "Max open files            1024                 2048                 files     ",
  "",
].join("\n");
const ID = "0f1e2d3c";
const V1 = {
  "proc/42/cgroup": `9:name=systemd:/docker/${ID}\n8:pids:/docker/${ID}\n7:memory:/docker/${ID}\n2:cpu,cpuacct:/docker/${ID}\n0::/\n`,
  "proc/42/limits": RLIMITS,
  [`sys/fs/cgroup/memory/docker/${ID}/memory.limit_in_bytes`]: "268435456\n",
  [`sys/fs/cgroup/memory/docker/${ID}/memory.memsw.limit_in_bytes`]: "268435456\n",
  [`sys/fs/cgroup/pids/docker/${ID}/pids.max`]: "32\n",
  [`sys/fs/cgroup/cpu/docker/${ID}/cpu.cfs_quota_us`]: "50000\n",
  [`sys/fs/cgroup/cpu/docker/${ID}/cpu.cfs_period_us`]: "100000\n",
};
const SCOPE = `system.slice/docker-${ID}.scope`;
const V2 = {
  "proc/42/cgroup": `0::/${SCOPE}\n`,
  "proc/42/limits": RLIMITS,
  [`sys/fs/cgroup/${SCOPE}/memory.max`]: "268435456\n",
  [`sys/fs/cgroup/${SCOPE}/memory.swap.max`]: "0\n",
  [`sys/fs/cgroup/${SCOPE}/pids.max`]: "32\n",
  [`sys/fs/cgroup/${SCOPE}/cpu.max`]: "50000 100000\n",
};
const DECLARED = {
  memoryBytes: 268435456,
  memorySwapBytes: 268435456,
  cpus: 0.5,
  pids: 32,
  nofile: { soft: 1024, hard: 2048 },
  nproc: 100,
};
const NONE = { ...DECLARED, memoryBytes: undefined, memorySwapBytes: undefined, cpus: undefined, pids: undefined };

describe("readKernelLimits (R-LIM-06)", () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "kernel-limits-"));
  });
  afterEach(() => rm(root, { recursive: true }));

  async function tree(files: Record<string, string>): Promise<void> {
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), content);
    }
  }

  it("reads cgroup v1", async () => {
    await tree(V1);
    assert.deepEqual(await readKernelLimits(42, root), DECLARED);
  });

  it("reads cgroup v2", async () => {
    await tree(V2);
    assert.deepEqual(await readKernelLimits(42, root), DECLARED);
  });

  it("says undefined where v1 has no limit", async () => {
    await tree({
      ...V1,
      [`sys/fs/cgroup/memory/docker/${ID}/memory.limit_in_bytes`]: "9223372036854771712\n",
      [`sys/fs/cgroup/memory/docker/${ID}/memory.memsw.limit_in_bytes`]: "9223372036854771712\n",
      [`sys/fs/cgroup/pids/docker/${ID}/pids.max`]: "max\n",
      [`sys/fs/cgroup/cpu/docker/${ID}/cpu.cfs_quota_us`]: "-1\n",
    });
    assert.deepEqual(await readKernelLimits(42, root), NONE);
  });

  it("says undefined where v2 has no limit", async () => {
    await tree({
      ...V2,
      [`sys/fs/cgroup/${SCOPE}/memory.max`]: "max\n",
      [`sys/fs/cgroup/${SCOPE}/memory.swap.max`]: "max\n",
      [`sys/fs/cgroup/${SCOPE}/pids.max`]: "max\n",
      [`sys/fs/cgroup/${SCOPE}/cpu.max`]: "max 100000\n",
    });
    assert.deepEqual(await readKernelLimits(42, root), NONE);
  });

  it("says that swap is allowed on v2 when it is", async () => {
    await tree({ ...V2, [`sys/fs/cgroup/${SCOPE}/memory.swap.max`]: "1048576\n" });
    assert.equal((await readKernelLimits(42, root)).memorySwapBytes, 268435456 + 1048576);
  });

  it("fails for a process that is gone", async () => {
    await assert.rejects(readKernelLimits(7, root), { code: "ENOENT" });
  });

  it("splits controllers that share a hierarchy", () => {
    assert.equal(parseCgroups(V1["proc/42/cgroup"]).get("cpuacct"), `/docker/${ID}`);
  });
});
