import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { remoteCommand } from "../../offline/plugins/command/remoteCommand.ts";
import type { ValueMap } from "../../offline/plugins/values.ts";
import { sshServer } from "./sshServer.ts";
import { missing, Project } from "./support.ts";

const run = promisify(execFile);
const CANARY = "canary-of-a-remote-command";

/** A real ssh server on this machine's loopback stands for another machine. */
describe("commands on another machine, over a real ssh server", function () {
  this.timeout(120_000);
  const server = sshServer("remote-command");
  const { folder, ssh, shown, context, connection } = server;
  const key = (name: string): string => readFileSync(join(ssh.folder, name), "utf8");

  before(() => server.start());
  after(() => server.end());

  const create = (inputs: ValueMap) => remoteCommand.create({ connection, ...inputs }, context);

  it("gives what it prints, with its input, its environment and its lines as they come", async () => {
    shown.length = 0;
    const { outputs } = await create({
      create: "cat; echo $GIVEN; echo err >&2",
      stdin: "in\n",
      environment: { GIVEN: "given" },
    });
    assert.equal(outputs["stdout"], "in\ngiven");
    assert.equal(outputs["stderr"], "err");
    assert.deepEqual(shown.toSorted(), ["err", "given", "in"]);
  });

  it("an update has what the last run printed", async () => {
    const { id, outputs } = await create({ create: "echo first" });
    const inputs: ValueMap = { connection, create: "echo first", update: "echo $PULUMI_COMMAND_STDOUT again" };
    const updated = await remoteCommand.update?.({ id, oldInputs: {}, oldOutputs: outputs, inputs }, context);
    assert.equal(updated?.["stdout"], "first again");
  });

  it("hears all of a quick command's answer, however often it is asked", async () => {
    for (let turn = 0; turn < 20; turn += 1) {
      assert.equal((await create({ create: "echo quick" })).outputs["stdout"], "quick");
    }
  });

  it("says the exit code and what was written to stderr, not the command", async () => {
    await assert.rejects(create({ create: `echo why >&2; exit 7; # ${CANARY}` }), (error: Error) => {
      assert.match(error.message, /^command failed with exit code 7: why$/);
      return true;
    });
  });

  it("goes over a host on the way", async () => {
    const { outputs } = await remoteCommand.create(
      { connection: { ...connection, proxy: connection }, create: "echo there" },
      context,
    );
    assert.equal(outputs["stdout"], "there");
  });

  for (const [what, change, message] of [
    [
      "a wrong host key",
      () => ({ hostKey: key("user.pub") }),
      /its host key is SHA256:\S+, expected was SHA256:\S+; is it another machine\?/,
    ],
    ["a key that is not let in", () => ({ privateKey: key("host") }), /All configured authentication methods failed/],
    [
      "nobody who listens",
      () => ({ port: 1 }),
      /127\.0\.0\.1:1 cannot be reached over ssh \(1 try\): connect ECONNREFUSED/,
    ],
    ["what is no key", () => ({ privateKey: CANARY }), /Cannot parse privateKey/],
  ] as const) {
    it(`refuses ${what} in one line, without a key in it`, async () => {
      const given = { ...connection, ...change() };
      await assert.rejects(remoteCommand.create({ connection: given, create: "true" }, context), (error: Error) => {
        assert.match(error.message, message);
        assert.match(error.message, /^127\.0\.0\.1:\d+ cannot be reached over ssh/);
        assert.ok(!error.message.includes("PRIVATE KEY") && !error.message.includes(CANARY));
        assert.ok(!error.message.includes("\n"));
        return true;
      });
    });
  }

  it("tries again as often as it is told", async () => {
    const given = { ...connection, port: 1, dialErrorLimit: 2 };
    await assert.rejects(remoteCommand.create({ connection: given, create: "true" }, context), /\(2 tries\)/);
  });

  it("refuses a connection that is none by name, never with what is in it", () => {
    const reasons = (given: ValueMap[string]) =>
      remoteCommand
        .check({ connection: given, create: "true" }, { name: "cmd", oldInputs: undefined, autoName: () => "cmd" })
        .failures.map(({ reason }) => reason)
        .join();
    assert.match(reasons({ user: "root" }), /its host is missing/);
    assert.match(reasons({ host: "h", privatekey: "x" }), /it has no privatekey; there are host, /);
    assert.match(reasons({ host: "h", port: "22" }), /its port must be a number/);
    assert.match(reasons({ host: "h", proxy: { port: 1 } }), /of its proxy: its host is missing/);
    assert.equal(reasons({ host: "h" }), "");
    assert.ok(!reasons({ host: "h", port: CANARY, privateKey: CANARY }).includes(CANARY));
  });

  it("through the real engine: runs once, hides the key, runs again when a trigger changes, and at the end", async () => {
    assert.equal(await missing(), undefined);
    const trace = join(folder, "trace");
    const program = (trigger: string) => `
      import * as command from "@pulumi/command";
      import * as pulumi from "@pulumi/pulumi";
      import { readFileSync } from "node:fs";
      const privateKey = pulumi.secret(readFileSync(${JSON.stringify(join(ssh.folder, "user"))}, "utf8"));
      const connection = { host: "127.0.0.1", port: ${connection.port}, user: "root", privateKey };
      new command.remote.Command("cmd", { connection, create: "echo create >> ${trace}", delete: "echo delete >> ${trace}", triggers: ["${trigger}"] });
    `;
    const project = await Project.create("remote", program("1"));
    try {
      await project.must("up", "--yes", "--skip-preview");
      await project.must("up", "--yes", "--skip-preview", "--expect-no-changes");
      assert.equal(readFileSync(trace, "utf8"), "create\n");
      await project.writeProgram(program("2"));
      await project.must("up", "--yes", "--skip-preview");
      assert.equal(readFileSync(trace, "utf8"), "create\ncreate\ndelete\n");
      const { stdout } = await run("grep", ["-rl", "OPENSSH PRIVATE KEY", join(project.folder, "state")]).catch(() => ({
        stdout: "",
      }));
      assert.equal(stdout, "");
    } finally {
      await project.dispose();
    }
    assert.match(readFileSync(trace, "utf8"), /delete\n$/);
  });
});
