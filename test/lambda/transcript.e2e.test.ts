import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  awaitBoot,
  ensureDocker,
  initSwarm,
  joinSwarm,
  leaveSwarm,
  proveGpus,
  removeNode,
} from "../../components/targets/hosts/bootstrapScripts.ts";
import { sshServer, type SshServer } from "../offline/sshServer.ts";
import { Project } from "../offline/support.ts";

const ROOT = join(import.meta.dirname, "../..");
const TOKEN = "SWMTKN-1-of-the-transcript-test";
const [MANAGER, WORKER] = ["10.0.0.1", "10.0.0.2"];

/** Two hosts that note every command, and do none: what is sent over ssh is all that is known of them. */
describe("What is sent to hosts over ssh, under the real engine (R-TGT-08, R-TGT-09)", function () {
  this.timeout(120_000);
  const folder = mkdtempSync(join(tmpdir(), "mcp-estate-transcript-"));
  const servers: Record<"manager" | "worker", SshServer> = { manager: noting("manager"), worker: noting("worker") };
  let project: Project;

  before(async () => {
    await Promise.all(Object.values(servers).map((server) => server.start()));
    project = await Project.create("transcript", "");
    for (const name of ["components", "runtime"]) symlinkSync(join(ROOT, name), join(project.folder, name));
    await project.writeProgram(program("machine-1"));
  });
  after(async () => {
    await project.dispose();
    for (const server of Object.values(servers)) server.end();
    rmSync(folder, { recursive: true });
  });

  function noting(name: string): SshServer {
    const recorder = join(folder, `${name}.sh`);
    const lines = [
      "#!/bin/sh",
      // As one string, so that where one ends is seen.
      `{ date +%s%3N | tr '\\n' ' '; printf '%s' "$SSH_ORIGINAL_COMMAND" | base64 -w 0; echo; } >>${join(folder, name)}`,
      `case "$SSH_ORIGINAL_COMMAND" in *join-token*) echo ${TOKEN} ;; *"read -r token"*) read -r token; echo "$token" >>${join(folder, "tokens")} ;; esac`,
    ];
    writeFileSync(recorder, `${lines.join("\n")}\n`);
    chmodSync(recorder, 0o755);
    return sshServer(`transcript-${name}`, [`ForceCommand ${recorder}`]);
  }

  function program(machine: string): string {
    const connection = ({ connection: { port }, ssh }: SshServer) => `{
      host: "127.0.0.1", port: ${port}, user: "root",
      privateKey: pulumi.secret(readFileSync(${JSON.stringify(join(ssh.folder, "user"))}, "utf8")),
      hostKey: readFileSync(${JSON.stringify(join(ssh.folder, "host.pub"))}, "utf8"),
    }`;
    return `import * as pulumi from "@pulumi/pulumi";
import { readFileSync } from "node:fs";
import { SwarmHost } from "./components/targets/hosts/swarmHost.ts";
const manager = new SwarmHost("manager", { hostName: "gpu-1", address: "${MANAGER}", gpus: 0, dialErrors: 2, machine: "m", connection: ${connection(servers.manager)} });
new SwarmHost("worker", { hostName: "gpu-2", address: "${WORKER}", gpus: 8, dialErrors: 2, machine: ${JSON.stringify(machine)}, manager, connection: ${connection(servers.worker)} });
`;
  }

  /** When each of a host's last commands came, in milliseconds. */
  const at = new Map<string, number[]>();

  /** What a host was sent since it was asked for the last time. */
  function sent(name: string): string[] {
    const file = join(folder, name);
    const text = existsSync(file) ? readFileSync(file, "utf8").trim() : "";
    rmSync(file, { force: true });
    const lines = text === "" ? [] : text.split("\n").map((line) => line.split(" "));
    at.set(
      name,
      lines.map(([time = ""]) => Number(time)),
    );
    return lines.map(([, command = ""]) => Buffer.from(command, "base64").toString());
  }

  const WORKER_STEPS = [awaitBoot("gpu-2"), ensureDocker({ gpus: true }), proveGpus(8), joinSwarm(WORKER, MANAGER)];

  it("is what is expected, in its order, and nothing else", async () => {
    await project.must("up", "--yes", "--skip-preview");
    assert.deepEqual(sent("manager"), [
      awaitBoot("gpu-1"),
      ensureDocker({ gpus: false }),
      proveGpus(0),
      initSwarm(MANAGER),
      removeNode("gpu-2"),
      "true",
    ]);
    assert.deepEqual(sent("worker"), WORKER_STEPS);
    assert.equal(readFileSync(join(folder, "tokens"), "utf8"), `${TOKEN}\n`);
  });

  it("a second update sends nothing", async () => {
    await project.must("up", "--yes", "--skip-preview", "--expect-no-changes");
    assert.deepEqual([sent("manager"), sent("worker")], [[], []]);
  });

  it("what lets a machine into the swarm stands in no state in clear", () => {
    const state = readFileSync(join(project.folder, "state/.pulumi/stacks/transcript/test.json"), "utf8");
    assert.ok(!state.includes(TOKEN) && !state.includes("OPENSSH PRIVATE KEY"));
  });

  it("another machine of that name: the old node is removed before the new one joins, and never after it", async () => {
    await project.writeProgram(program("machine-2"));
    await project.must("up", "--yes", "--skip-preview");
    assert.deepEqual(sent("manager"), [removeNode("gpu-2")]);
    const [boot, docker, gpus, ...joining] = sent("worker");
    assert.deepEqual([boot, docker, gpus, ...joining.filter((step) => step !== leaveSwarm)], WORKER_STEPS);
    assert.equal(joining[0], leaveSwarm);
    const times = ["manager", "worker"].map((name) => at.get(name)?.at(-1) ?? 0);
    assert.ok((times[0] ?? 0) < (times[1] ?? 0), "removed after it had joined");
  });

  it("another script, or another way to the manager, removes no node", async () => {
    await project.writeProgram(program("machine-2").replaceAll("dialErrors: 2", "dialErrors: 3"));
    await project.must("up", "--yes", "--skip-preview");
    assert.deepEqual(
      sent("manager").filter((step) => step === removeNode("gpu-2")),
      [],
    );
    sent("worker");
    await project.writeProgram(program("machine-2"));
    await project.must("up", "--yes", "--skip-preview");
    assert.deepEqual(
      sent("manager").filter((step) => step === removeNode("gpu-2")),
      [],
    );
    sent("worker");
  });

  it("a host that shows another key is refused, in one clear line", async () => {
    const text = program("machine-3").replaceAll(
      join(servers.worker.ssh.folder, "host.pub"),
      join(servers.worker.ssh.folder, "user.pub"),
    );
    await project.writeProgram(text);
    const { code, text: output } = await project.pulumi("preview");
    assert.equal(code, 0, output);
    const update = await project.pulumi("up", "--yes", "--skip-preview");
    assert.notEqual(update.code, 0);
    assert.match(update.text, /its host key is SHA256:\S+, expected was SHA256:\S+; is it another machine\?/);
    assert.deepEqual(sent("worker"), []);
    await project.writeProgram(program("machine-2"));
    await project.must("up", "--yes", "--skip-preview");
    sent("manager");
    sent("worker");
  });

  it("at the end each leaves, the manager last", async () => {
    await project.must("destroy", "--yes", "--skip-preview");
    assert.deepEqual(sent("worker"), [leaveSwarm]);
    assert.deepEqual(sent("manager"), [removeNode("gpu-2"), leaveSwarm]);
  });
});
