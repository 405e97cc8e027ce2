import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { endHostProcess, findHostProcesses } from "../../../components/providers/hostProcesses.ts";
import { serverOf, type ServerSignature } from "../../../runtime/contract/index.ts";

const MEMORY = "@modelcontextprotocol/server-memory";
const servers: ServerSignature[] = [
  { package: MEMORY, ecosystem: "npm" },
  { package: "mcp-server-fetch", ecosystem: "pypi" },
];

describe("MCP servers on the host: by start command (R-DRF-05, R-DRF-06)", () => {
  const matches: Array<[string, string[], string]> = [
    ["node with the package's file", ["/usr/bin/node", `/x/node_modules/${MEMORY}/dist/index.js`], MEMORY],
    ["npm's own title", [`npm exec ${MEMORY}`], MEMORY],
    ["npx with a version", ["npx", "-y", `${MEMORY}@2026.8.31`], MEMORY],
    ["a Python module", ["python3.11", "-m", "mcp_server_fetch", "--x"], "mcp-server-fetch"],
    ["a Python script", ["/v/bin/python", "/v/bin/mcp-server-fetch"], "mcp-server-fetch"],
    ["uvx with a version", ["uvx", "mcp-server-fetch==1.0"], "mcp-server-fetch"],
  ];
  for (const [name, argv, expected] of matches) {
    it(`finds ${name}`, () => assert.equal(serverOf(argv, servers), expected));
  }

  const decoys: Array<[string, string[]]> = [
    ["an operator's shell that mentions it", ["bash", "-c", `grep ${MEMORY} package.json`]],
    ["an editor on its file", ["vim", `/x/node_modules/${MEMORY}/dist/index.js`]],
    ["a package with a longer name", ["node", `/x/node_modules/${MEMORY}-extra/dist/index.js`]],
    ["an install of it by name in a script", ["node", "-e", `require("/x/node_modules/${MEMORY}/dist/index.js")`]],
    ["another Python module", ["python3", "-m", "mcp_server_fetcher"]],
    ["a kernel thread", [""]],
  ];
  for (const [name, argv] of decoys) {
    it(`leaves ${name} alone`, () => assert.equal(serverOf(argv, servers), undefined));
  }
});

describe("MCP servers on the host: in the process table", () => {
  let root: string;
  before(async () => {
    root = await mkdtemp(join(tmpdir(), "host-processes-"));
    await mkdir(join(root, "proc"));
    await writeFile(join(root, "proc/stat"), "cpu 1\nbtime 1000000\n");
    const add = async (pid: number, cgroup: string, extra = "") => {
      await mkdir(join(root, `proc/${pid}`));
      const argv = ["node", `/x/node_modules/${MEMORY}/dist/index.js`, extra].filter((word) => word !== "");
      await writeFile(join(root, `proc/${pid}/cmdline`), `${argv.join("\0")}\0`);
      await writeFile(join(root, `proc/${pid}/cgroup`), cgroup);
      await writeFile(
        join(root, `proc/${pid}/stat`),
        `${pid} (no) de) S ${Array.from({ length: 30 }, (_, i) => i).join(" ")}`,
      );
      await writeFile(join(root, `proc/${pid}/statm`), "100 25600 3\n");
    };
    const id = "0f".repeat(32);
    await add(10, "0::/user.slice/session-1.scope\n");
    await add(11, `3:pids:/docker/${id}\n`);
    await add(12, `0::/system.slice/docker-${id}.scope\n`);
    await add(13, `0::/kubepods/pod1/${id}/child\n`);
    await add(14, "0::/\n", "--keep-me");
  });
  after(() => rm(root, { recursive: true }));

  it("A-12: reports those outside of containers, with age and memory", async () => {
    const found = await findHostProcesses(servers, [], root);
    assert.deepEqual(
      found.map(({ pid }) => pid),
      [10, 14],
    );
    assert.equal(found[0]?.memoryMiB, 100);
    assert.equal(found[0].startTime, "18");
    assert.equal(found[0].created, new Date((1000000 + 0.18) * 1000).toISOString());
  });

  it("leaves alone what the user allows", async () => {
    assert.deepEqual(
      (await findHostProcesses(servers, ["--keep-me"], root)).map(({ pid }) => pid),
      [10],
    );
  });
});

describe("endHostProcess", function () {
  this.timeout(20_000);
  const children: ChildProcess[] = [];
  const start = async (script: string): Promise<{ pid: number; startTime: string }> => {
    const child = spawn("sh", ["-c", script], { stdio: ["ignore", "pipe", "ignore"] });
    children.push(child);
    await new Promise((resolve) => child.stdout.once("data", resolve));
    const pid = child.pid ?? 0;
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    return { pid, startTime: stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "" };
  };
  after(() => children.forEach((child) => child.kill("SIGKILL")));
  const alive = (pid: number) => {
    try {
      process.kill(pid, 0);
      return true;
    } catch {
      return false;
    }
  };

  it("ends one that hears TERM", async () => {
    const process = await start("echo up; while :; do sleep 0.1; done");
    await endHostProcess(process);
    assert.equal(alive(process.pid), false);
  });

  it("kills one that does not", async () => {
    const process = await start('trap "" TERM; echo up; while :; do sleep 0.1; done');
    await endHostProcess(process);
    assert.equal(alive(process.pid), false);
  });

  it("never touches a process that took over the pid", async () => {
    const process = await start("echo up; while :; do sleep 0.1; done");
    await endHostProcess({ pid: process.pid, startTime: String(Number(process.startTime) - 1) });
    assert.equal(alive(process.pid), true);
  });
});
