import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  awaitBoot,
  ensureDocker,
  initSwarm,
  joinSwarm,
  proveGpus,
  removeNode,
  userData,
} from "../../components/targets/hosts/bootstrapScripts.ts";
import { parse } from "yaml";

const UUIDS = ["GPU-11111111-aaaa", "GPU-22222222-bbbb"];

describe("what is done on a machine before a swarm runs on it", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "mcp-estate-bootstrap-"));
    mkdirSync(join(folder, "bin"));
    stub("sudo", 'exec "$@"');
    for (const name of ["apt-get", "usermod", "swapoff", "systemctl", "nvidia-ctk", "cloud-init"]) stub(name, "");
    stub("hostname", "echo lab-1");
    stub("id", 'case "$1" in -nG) echo "ubuntu sudo" ;; *) echo ubuntu ;; esac');
    stub("df", "printf ' Avail\\n 50000\\n'");
    stub(
      "docker",
      'case "$1 $2 $3" in *RemoteManagers*) echo "$MANAGERS" ;; "info --format "*) echo "$SWARM" ;; esac; case "$1 $2" in "swarm join-token") echo SWMTKN-1-x ;; esac',
    );
    stub("nvidia-smi", `printf '${UUIDS.join("\\n")}\\n'`);
    writeFileSync(join(folder, "nvidia.toml"), '#swarm-resource = "DOCKER_RESOURCE_GPU"\ndebug = false\n');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** A program that notes how it was called, and then does what is given. */
  function stub(name: string, script: string): void {
    const file = join(folder, "bin", name);
    writeFileSync(file, `#!/bin/sh\necho "${name} $*" >>${folder}/calls\n${script}\n`);
    chmodSync(file, 0o755);
  }

  function run(script: string, { input = "", env = {} }: { input?: string; env?: Record<string, string> } = {}) {
    rmSync(join(folder, "calls"), { force: true });
    const PATH = `${join(folder, "bin")}:/usr/bin:/bin`;
    const { status, stdout, stderr } = spawnSync("/bin/sh", ["-c", script], {
      ...{ input, env: { PATH, SWARM: "inactive", MANAGERS: "", ...env }, encoding: "utf8" },
    });
    const calls = existsSync(join(folder, "calls"))
      ? readFileSync(join(folder, "calls"), "utf8").trim().split("\n")
      : [];
    return { status, stdout, stderr, calls: calls.filter((call) => !call.startsWith("sudo")) };
  }

  const docker = (gpus: boolean) =>
    ensureDocker({ gpus, folder: join(folder, "docker"), nvidiaConfig: join(folder, "nvidia.toml") });
  const settings = (): unknown => JSON.parse(readFileSync(join(folder, "docker/daemon.json"), "utf8"));

  it("waits until the first start is over", () => {
    const { status, calls } = run(awaitBoot("lab-1"));
    assert.equal(status, 0);
    assert.deepEqual(calls.slice(0, 1), ["cloud-init status --wait"]);
  });

  it("a full disk is one clear line", () => {
    stub("df", "printf ' Avail\\n 900\\n'");
    const { status, stderr } = run(awaitBoot("lab-1"));
    assert.equal(status, 1);
    assert.equal(
      stderr,
      "only 900 MiB are free on / of lab-1, 20480 are needed: make room, or take a type with more storage\n",
    );
  });

  it("Docker knows each GPU by its UUID, gives no new privileges, and keeps what else was set", () => {
    mkdirSync(join(folder, "docker"));
    writeFileSync(join(folder, "docker/daemon.json"), '{"log-driver": "local"}');
    const { status, calls, stderr } = run(docker(true));
    assert.equal(status, 0, stderr);
    assert.deepEqual(settings(), {
      "default-runtime": "nvidia",
      "log-driver": "local",
      "no-new-privileges": true,
      "node-generic-resources": UUIDS.map((uuid) => `GPU=${uuid}`),
      runtimes: { nvidia: { path: "nvidia-container-runtime", runtimeArgs: [] } },
    });
    assert.match(readFileSync(join(folder, "nvidia.toml"), "utf8"), /^swarm-resource = "DOCKER_RESOURCE_GPU"$/m);
    for (const call of ["usermod -aG docker ubuntu", "swapoff -a", "systemctl restart docker"])
      assert.ok(calls.includes(call), call);
    assert.ok(!calls.some((call) => call.startsWith("apt-get")));
  });

  it("a second time restarts nothing", () => {
    run(docker(true));
    const before = readFileSync(join(folder, "nvidia.toml"), "utf8");
    const { calls } = run(docker(true));
    assert.ok(!calls.some((call) => call.startsWith("systemctl")));
    assert.equal(readFileSync(join(folder, "nvidia.toml"), "utf8"), before);
  });

  it("without GPUs no runtime but Docker's own", () => {
    assert.equal(run(docker(false)).status, 0);
    assert.deepEqual(settings(), { "no-new-privileges": true });
  });

  it("what is missing is installed", () => {
    rmSync(join(folder, "bin/nvidia-ctk"));
    const { calls } = run(docker(true));
    assert.ok(calls.includes("apt-get install -y -qq --no-install-recommends nvidia-container-toolkit"));
  });

  describe("GPUs are proved by CUDA itself", () => {
    /** CUDA as Python would find it. */
    function cuda(code: number, count: number): Record<string, string> {
      mkdirSync(join(folder, "python"), { recursive: true });
      writeFileSync(
        join(folder, "python/ctypes.py"),
        `class c_int:\n    value = 0\ndef byref(value):\n    return value\nclass CDLL:\n    def __init__(self, name):\n        assert name == "libcuda.so.1"\n    def cuInit(self, flags):\n        return ${code}\n    def cuDeviceGetCount(self, count):\n        count.value = ${count}\n        return 0\n`,
      );
      return { PYTHONPATH: join(folder, "python") };
    }

    it("as many as are declared", () => assert.equal(run(proveGpus(8), { env: cuda(0, 8) }).status, 0));

    it("CUDA that does not start fails, although nvidia-smi lists them all", () => {
      const { status, stderr } = run(proveGpus(8), { env: cuda(802, 8) });
      assert.equal(status, 1);
      assert.equal(stderr, "CUDA does not start: error 802\n");
    });

    it("one too few fails", () => {
      assert.equal(run(proveGpus(8), { env: cuda(0, 7) }).stderr, "CUDA has 7 GPUs, 8 are declared\n");
    });

    it("no CUDA at all is said", () => assert.match(run(proveGpus(1)).stderr, /^CUDA is not there: libcuda\.so\.1: /));
  });

  it("the first begins a swarm once, and prints what a worker joins with", () => {
    const first = run(initSwarm("10.0.0.1"));
    assert.ok(first.calls.includes("docker swarm init --advertise-addr 10.0.0.1"));
    assert.equal(first.stdout, "SWMTKN-1-x\n");
    const again = run(initSwarm("10.0.0.1"), { env: { SWARM: "active" } });
    assert.ok(!again.calls.some((call) => call.startsWith("docker swarm init")));
    assert.equal(again.stdout, "SWMTKN-1-x\n");
  });

  it("a worker joins once, with a token that stands in no command", () => {
    const script = joinSwarm("10.0.0.2", "10.0.0.1");
    assert.ok(!script.includes("SWMTKN"));
    const first = run(script, { input: "SWMTKN-1-x" });
    assert.ok(first.calls.includes("docker swarm join --advertise-addr 10.0.0.2 --token SWMTKN-1-x 10.0.0.1:2377"));
    const env = { SWARM: "active", MANAGERS: "10.0.0.1:2377 " };
    const again = run(script, { input: "SWMTKN-1-x", env });
    assert.ok(!again.calls.some((call) => call.startsWith("docker swarm")));
  });

  it("a worker whose manager is another machine now leaves the old swarm first", () => {
    const env = { SWARM: "active", MANAGERS: "10.0.0.9:2377 " };
    const { calls } = run(joinSwarm("10.0.0.2", "10.0.0.1"), { input: "SWMTKN-1-x", env });
    assert.deepEqual(
      calls.filter((call) => call.startsWith("docker swarm")),
      ["docker swarm leave --force", "docker swarm join --advertise-addr 10.0.0.2 --token SWMTKN-1-x 10.0.0.1:2377"],
    );
  });

  it("a node is drained before it is removed; one that is gone is no fault", () => {
    const { calls, status } = run(removeNode("gpu-2"));
    assert.equal(status, 0);
    assert.deepEqual(calls, [
      "docker node inspect gpu-2",
      "docker node update --availability drain gpu-2",
      "docker node ps gpu-2 --filter desired-state=running --quiet",
      "docker node rm --force gpu-2",
    ]);
    stub("docker", "exit 1");
    assert.equal(run(removeNode("gpu-2")).status, 0);
  });

  it("the host key goes there with the launch", () => {
    const data = parse(
      userData({ privateKey: "-----BEGIN X-----\nabc\n-----END X-----\n", publicKey: "ssh-ed25519 AAAA c\n" }),
    ) as Record<string, unknown>;
    assert.deepEqual(data["ssh_keys"], {
      ed25519_private: "-----BEGIN X-----\nabc\n-----END X-----\n",
      ed25519_public: "ssh-ed25519 AAAA c",
    });
  });
});
