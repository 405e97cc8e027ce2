import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { consent } from "../../../scripts/lib/ask.ts";
import { ensureBaseImageTool, installDocker, startDocker } from "../../../scripts/lib/dockerInstall.ts";
import { isAlive } from "../../../scripts/lib/fileLock.ts";
import { stopDaemon } from "../../../scripts/lib/stopDaemon.ts";
import { UserError } from "../../../scripts/lib/userError.ts";
import { cleanUp, fakeProgram, listener, temporaryFolder } from "../support.ts";

describe("Docker from the distribution", () => {
  let home: string;
  let env: Record<string, string>;
  beforeEach(function () {
    if (process.getuid?.() !== 0) this.skip();
    home = temporaryFolder();
    env = { HOME: home, PATH: `${home}/bin` };
  });
  afterEach(cleanUp);

  const reason = "no Docker answers";
  const yes = consent(true);

  it("is installed without recommended packages and without questions", async () => {
    fakeProgram(home, "bin/apt-get", `echo "$DEBIAN_FRONTEND $*" >> ${home}/calls`);
    const { said, say } = listener();
    await installDocker({ env, say, consent: yes, reason });
    assert.deepEqual(readFileSync(join(home, "calls"), "utf8").trim().split("\n"), [
      "noninteractive -o DPkg::Lock::Timeout=120 update -qq",
      "noninteractive -o DPkg::Lock::Timeout=120 install -y -qq --no-install-recommends docker.io iptables mmdebstrap",
    ]);
    assert.equal(said[0], "installing docker.io iptables mmdebstrap");
  });

  it("is not installed when the answer is no", async () => {
    fakeProgram(home, "bin/apt-get", `echo "$*" >> ${home}/calls`);
    const asked: string[] = [];
    const no = (what: string): Promise<void> => {
      asked.push(what);
      return Promise.reject(new UserError("no"));
    };
    await assert.rejects(installDocker({ env, say: () => undefined, consent: no, reason }), /no/);
    assert.deepEqual(asked, [
      "no Docker answers: will install docker.io iptables mmdebstrap from the distribution (apt-get)",
    ]);
    assert.equal(existsSync(join(home, "calls")), false);
  });

  it("is refused elsewhere, with what to install", async () => {
    await assert.rejects(installDocker({ env, say: () => undefined, consent: yes, reason }), {
      name: "UserError",
      message:
        "no Docker answers, and this is neither Debian nor Ubuntu; install docker.io iptables mmdebstrap yourself, then try again",
    });
  });

  it("says why apt-get fails", async () => {
    fakeProgram(home, "bin/apt-get", `echo "E: no such package" >&2; exit 100`);
    await assert.rejects(
      installDocker({ env, say: () => undefined, consent: yes, reason }),
      /^UserError: apt-get update failed \(E: no such package\)/,
    );
  });

  it("adds the tool for the base image only where it is missing and can be had", async () => {
    const options = { env, say: () => undefined, consent: yes };
    await ensureBaseImageTool(options);
    fakeProgram(home, "bin/apt-get", `echo "$*" >> ${home}/calls`);
    await ensureBaseImageTool(options);
    assert.match(readFileSync(join(home, "calls"), "utf8"), /install .* mmdebstrap\n$/);
  });

  it("is started in the background with its log and process id kept, and stopped by that id", async function () {
    if (existsSync("/run/systemd/system")) this.skip();
    fakeProgram(home, "bin/dockerd", `echo started; : > ${home}/answers; exec /bin/sleep 60`);
    const { said, say } = listener();
    const answers = (): Promise<boolean> => Promise.resolve(existsSync(join(home, "answers")));
    const { pid } = await startDocker({ env, say, answers });
    const cache = join(home, ".cache", "mcp-estate");
    assert.ok(pid !== undefined && isAlive(pid));
    assert.equal(readFileSync(join(cache, "dockerd.pid"), "utf8"), `${pid}\n`);
    assert.equal(readFileSync(join(cache, "dockerd.log"), "utf8"), "started\n");
    assert.deepEqual(said, [`starting dockerd in the background (log: ${join(cache, "dockerd.log")})`]);
    assert.deepEqual(await startDocker({ env, say, answers }), { pid: undefined });
    await stopDaemon(pid, say, env);
    assert.equal(isAlive(pid), false);
    assert.equal(existsSync(join(cache, "dockerd.pid")), false);
  });

  it("says at once when it ends instead of answering", async function () {
    if (existsSync("/run/systemd/system")) this.skip();
    fakeProgram(home, "bin/dockerd", `echo "failed to start: no cgroups"; exit 1`);
    await assert.rejects(
      startDocker({ env, say: () => undefined, answers: () => Promise.resolve(false) }),
      /^UserError: Docker was started and has ended \(failed to start: no cgroups\); see .*dockerd\.log$/,
    );
  });
});
