import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { projectDir } from "../../scripts/lib/paths.ts";

/** Runs a command as `npm run` does, with a Docker that is not there: nothing can be changed by it. */
function run(command: string, ...args: string[]): { code: number | null; stdout: string; errors: string[] } {
  const { status, stdout, stderr } = spawnSync("sh", ["scripts/run", command, ...args], {
    cwd: projectDir,
    env: { ...process.env, DOCKER_HOST: "unix:///nowhere/docker.sock" },
    encoding: "utf8",
  });
  return { code: status, stdout, errors: stderr.split("\n").filter((line) => line.startsWith("error: ")) };
}

describe("commands", function () {
  this.timeout(60_000);

  for (const command of ["up", "preview", "refresh", "down"]) {
    it(`${command} refuses a stack that is not there, in one line`, () => {
      const { code, stdout, errors } = run(command, "--stack", "nope");
      assert.equal(code, 1);
      assert.equal(stdout, "");
      assert.equal(errors.length, 1);
      assert.match(errors[0] ?? "", /^error: there is no stack "nope" \(no file Pulumi\.nope\.yaml\); there .*dev/);
    });
  }

  it("up refuses a Docker that does not answer, in one line", () => {
    const { code, errors } = run("up");
    assert.equal(code, 1);
    assert.equal(errors.length, 1);
    assert.match(errors[0] ?? "", /^error: Docker does not answer at DOCKER_HOST="unix:\/\/\/nowhere\/docker\.sock"/);
  });

  it("pulumi passes its arguments, its output and its exit code through", () => {
    const version = run("pulumi", "version");
    assert.equal(version.code, 0);
    assert.match(version.stdout, /^v3\.\d+\.\d+\n$/);
    assert.notEqual(run("pulumi", "no-such-command").code, 0);
  });

  it("test refuses what is no test, in one line", () => {
    const { code, errors } = run("test", join("test", "nope.test.ts"));
    assert.equal(code, 1);
    assert.match(
      errors.join("\n"),
      /^error: "test\/nope\.test\.ts" is no test; allowed are files test\/\*\*\/\*\.test\.ts/,
    );
  });
});
