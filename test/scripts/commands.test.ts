import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { projectDir } from "../../scripts/lib/paths.ts";
import { cleanUp, temporaryFolder, write } from "./support.ts";

interface Ended {
  code: number | null;
  stdout: string;
  errors: string[];
}

/** Runs a command as `npm run` does, with a Docker that is not there: nothing can be changed by it. */
function run(command: string, ...args: string[]): Ended {
  return runIn({}, command, ...args);
}

function runIn(env: Record<string, string>, command: string, ...args: string[]): Ended {
  return runWith("", env, command, ...args);
}

/** @param input what it reads from its standard input */
function runWith(input: string, env: Record<string, string>, command: string, ...args: string[]): Ended {
  const { status, stdout, stderr } = spawnSync("sh", ["scripts/run", command, ...args], {
    input,
    cwd: projectDir,
    env: { ...process.env, ...env, DOCKER_HOST: "unix:///nowhere/docker.sock" },
    encoding: "utf8",
  });
  return { code: status, stdout, errors: stderr.split("\n").filter((line) => line.startsWith("error: ")) };
}

describe("commands", function () {
  this.timeout(60_000);
  afterEach(cleanUp);

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

  it("recover and restore --state refuse, in one line, where there is nothing to recover from", () => {
    const folder = temporaryFolder();
    const env = { XDG_DATA_HOME: folder, PULUMI_BACKEND_URL: `file://${folder}` };
    const keyFile = write(folder, "backup-key", "not needed: there is no backup to open\n");
    for (const [words, expected] of [
      [["recover"], /^error: the key of the backups cannot be read .*MCP_ESTATE_BACKUP_KEY_FILE/],
      [["restore", "--state"], /^error: there is no backup of "@state" in .*; there is none/],
      [["restore", "--state", "memory-data"], /^error: --state is of the state alone; leave out "memory-data"/],
      [["restore", "--replace", "memory-data"], /^error: --replace goes with --state/],
      [["backup", "--state", "memory-data"], /^error: --state is of the state alone/],
    ] as const) {
      const [command, ...args] = words;
      const missing = command === "recover" ? join(folder, "nope") : keyFile;
      const { code, errors } = runIn({ ...env, MCP_ESTATE_BACKUP_KEY_FILE: missing }, command, ...args);
      assert.equal(code, 1);
      assert.equal(errors.length, 1, errors.join("\n"));
      assert.match(errors[0] ?? "", expected);
    }
  });

  it("R-SEC-01: secret sets, lists and removes, and never takes or shows a value on the command line", () => {
    const env = { XDG_CONFIG_HOME: temporaryFolder() };
    const secret = (input: string, ...args: string[]) => runWith(input, env, "secret", ...args);
    assert.equal(secret("canary\n", "set", "TOKEN").code, 0);
    const listed = secret("", "list");
    assert.match(listed.stdout, /TOKEN +set +no/);
    assert.doesNotMatch(listed.stdout, /canary/);
    for (const [words, expected] of [
      [["set", "TOKEN", "canary"], /^error: write npm run secret -- set NAME.*never from the command line$/],
      [["set", "canary-value"], /^error: NAME must be of capitals, digits and "_"/],
      [["set", "EMPTY"], /^error: nothing was given for EMPTY/],
      [["remove", "NONE"], /^error: there is no secret NONE of stack "dev"/],
      [["nonsense"], /^error: write npm run secret/],
    ] as const) {
      const { code, errors } = secret("", ...words);
      assert.equal(code, 1);
      assert.equal(errors.length, 1);
      assert.match(errors[0] ?? "", expected);
      assert.doesNotMatch(errors[0] ?? "", /canary/);
    }
    assert.equal(secret("", "remove", "TOKEN").code, 0);
    assert.match(secret("", "list").stdout, /has no secrets here/);
  });

  it("R-SEC-01: esc:push refuses a stack without environments, and a backend that has none", () => {
    const env = { XDG_CONFIG_HOME: temporaryFolder(), PULUMI_ACCESS_TOKEN: "", PULUMI_BACKEND_URL: "" };
    assert.match(runIn(env, "esc/push").errors[0] ?? "", /^error: Pulumi\.dev\.yaml names no environment/);
    assert.match(
      runIn(env, "esc/push", "--stack", "prod").errors[0] ?? "",
      /^error: environments are pushed to Pulumi Cloud: set PULUMI_ACCESS_TOKEN/,
    );
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
