import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ssh from "ssh2";
import {
  awaitBoot,
  ensureDocker,
  initSwarm,
  joinSwarm,
  leaveSwarm,
  proveGpus,
  removeNode,
  userData,
} from "../../components/targets/hosts/bootstrapScripts.ts";
import { TestEstate } from "./testEstate.ts";
import { ensureSshServer } from "../lab/sshAccess.ts";
import { SSH_PORT, SshMachines } from "../lambda/sshMachines.ts";

const ANSWER = `case "$SSH_ORIGINAL_COMMAND" in *join-token*) echo SWMTKN-1-x ;; esac`;
const [FIRST, SECOND] = ["127.0.79.1", "127.0.79.2"] as const;

describe("mcp-estate:hosts.existing: machines that are there already become a swarm (R-TGT-08, R-TGT-09)", function () {
  this.timeout(180_000);
  this.slow(60_000);
  const estate = new TestEstate("nodes", { config: { "mcp-estate:servers": { memory: {} } } });
  const folder = mkdtempSync(join(tmpdir(), "mcp-estate-existing-"));
  const user = ssh.utils.generateKeyPairSync("ed25519");
  const hostKeys = ["one", "two", "another"].map(() => ssh.utils.generateKeyPairSync("ed25519"));
  let machines: SshMachines;

  before(async () => {
    await ensureSshServer();
    mkdirSync(join(folder, "machines"));
    machines = new SshMachines(join(folder, "machines"), "127.0.79", ANSWER);
    writeFileSync(join(folder, "key"), user.private, { mode: 0o600 });
    start("one", 0);
    start("two", 1);
    await estate.create();
    configure();
  });
  after(async () => {
    await estate.dispose();
    machines.end();
    rmSync(folder, { recursive: true });
  });

  function start(id: string, key: number): void {
    const { private: privateKey, public: publicKey } = hostKeys[key] ?? assert.fail();
    const given = { hostname: id, gpus: 0, publicKeys: [user.public] };
    machines.start({ id, ...given, userData: userData({ privateKey, publicKey }) });
  }

  function configure(changes: Record<string, unknown> = {}): void {
    estate.configure((config) => {
      config["mcp-estate:hosts"] = {
        existing: {
          ...{ user: "root", sshPort: SSH_PORT, keyFile: join(folder, "key") },
          machines: {
            "node-1": { address: FIRST, privateAddress: "10.0.0.1", hostKey: hostKeys[0]?.public },
            "node-2": { address: SECOND, gpus: 2, labels: { zone: "a" } },
          },
          ...changes,
        },
      };
    });
  }

  it("settings that cannot be are one clear line each, and no machine is asked", async () => {
    configure({ keyFile: "/nowhere/key" });
    const { code, output } = await estate.command("hosts", ["preview"]);
    assert.notEqual(code, 0);
    assert.match(output, /mcp-estate:hosts\.existing\.keyFile: \/nowhere\/key given; there is no such file/);
    estate.configure((config) => (config["mcp-estate:hosts"] = {}));
    assert.match(
      (await estate.command("hosts", ["preview"])).output,
      /mcp-estate:hosts: \{\} given; lambda or existing is allowed/,
    );
    configure();
    assert.deepEqual([machines.sent(FIRST), machines.sent(SECOND)], [[], []]);
  });

  it("prepares them, believes a key that is not declared at the first contact, and says how they are reached", async () => {
    const { stdout } = await estate.succeed("hosts", ["up", "--yes"]);
    assert.match(stdout, /^node-2 +127\.0\.79\.2 +existing/m);
    assert.doesNotMatch(stdout, /billed/);
    assert.deepEqual(machines.sent(FIRST), [
      ...[awaitBoot("node-1"), ensureDocker({ gpus: false }), proveGpus(0), initSwarm("10.0.0.1")],
      ...[removeNode("node-2"), "true"],
    ]);
    assert.deepEqual(machines.sent(SECOND), [
      ...[awaitBoot("node-2"), ensureDocker({ gpus: true }), proveGpus(2), joinSwarm(SECOND, "10.0.0.1")],
    ]);
    const kept = join(estate.folder, ".config/mcp-estate/hosts/nodes");
    const { nodes } = JSON.parse(readFileSync(join(kept, "reach.json"), "utf8")) as { nodes: object };
    assert.deepEqual(nodes, {
      "node-1": { labels: { type: "cpu" } },
      "node-2": { host: `ssh://root@${SECOND}:${SSH_PORT}`, labels: { type: "gpu", zone: "a" } },
    });
    const bare = (index: number): string => (hostKeys[index]?.public ?? "").split(" ").slice(0, 2).join(" ");
    assert.equal(
      readFileSync(join(kept, "known_hosts"), "utf8"),
      `[${FIRST}]:${SSH_PORT} ${bare(0)}\n[${SECOND}]:${SSH_PORT} ${bare(1)}\n`,
    );
  });

  it("a second time sends nothing", async () => {
    await estate.succeed("hosts", ["up", "--yes", "--expect-no-changes"]);
    assert.deepEqual([machines.sent(FIRST), machines.sent(SECOND)], [[], []]);
  });

  it("another machine at the address of one that is known is refused, in one clear line", async () => {
    machines.stop("two");
    machines.startAt(SECOND, {
      ...{ id: "another", hostname: "another", gpus: 0, publicKeys: [user.public] },
      userData: userData({ privateKey: hostKeys[2]?.private ?? "", publicKey: hostKeys[2]?.public ?? "" }),
    });
    // Something has to be sent there.
    configure({ machines: machinesWith({ gpus: 3 }) });
    const { code, output } = await estate.command("hosts", ["up", "--yes"]);
    assert.notEqual(code, 0);
    assert.match(output, /its host key is SHA256:\S+, expected was SHA256:\S+; is it another machine\?/);
    assert.deepEqual(machines.sent(SECOND), []);
    machines.stop("another");
  });

  it("one that does not answer is one clear line", async () => {
    configure({ machines: machinesWith({ address: "127.0.79.9" }) });
    const { code, output } = await estate.command("hosts", ["up", "--yes"]);
    assert.notEqual(code, 0);
    assert.match(
      output,
      /no ssh server shows its key at 127\.0\.79\.9:22077 \(connect ECONNREFUSED .*\); start it, or correct the machine's address/,
    );
  });

  it("at the end each leaves, the manager last, and stays as it is", async () => {
    machines.startAt(SECOND, {
      ...{ id: "two-again", hostname: "two", gpus: 0, publicKeys: [user.public] },
      userData: userData({ privateKey: hostKeys[1]?.private ?? "", publicKey: hostKeys[1]?.public ?? "" }),
    });
    configure();
    await estate.succeed("hosts", ["up", "--yes"]);
    machines.sent(FIRST);
    machines.sent(SECOND);
    await estate.succeed("hosts", ["down", "--yes"]);
    assert.deepEqual(machines.sent(SECOND), [leaveSwarm]);
    assert.deepEqual(machines.sent(FIRST), [removeNode("node-2"), leaveSwarm]);
  });

  function machinesWith(second: object): object {
    return {
      "node-1": { address: FIRST, privateAddress: "10.0.0.1", hostKey: hostKeys[0]?.public },
      "node-2": { address: SECOND, gpus: 2, labels: { zone: "a" }, ...second },
    };
  }
});
