import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { stringify } from "yaml";
import { projectDir } from "../../scripts/lib/paths.ts";
import { MAX_CHARACTERS, PREVIEW_MARKER } from "../../scripts/lib/ci/previewComment.ts";
import { fakeGitHub } from "../scripts/lib/ci/fakeGitHub.ts";
import { cleanUp } from "../scripts/support.ts";
import { places } from "./places.ts";
import { docker, TestEstate } from "./testEstate.ts";

/** A stack that is only ever previewed. */
const SECOND = "sample-prod";
const SAMPLE = join(projectDir, "docs/pull-request.md");
const REVISION = "0123456789abcdef0123456789abcdef01234567";

describe("Pull requests, end to end (R-DEP-10, R-TST-05)", function () {
  this.timeout(300_000);
  const estate = new TestEstate("sample", {
    config: { "mcp-estate:servers": { memory: {}, fetch: {} } },
  });
  // As a workflow has it: with it set, state that lies in the checkout is refused.
  const lasting = () => ({ PULUMI_BACKEND_URL: `file://${estate.folder}`, PREVIEW_REVISION: REVISION });
  let comment = "";

  /** What the comment job runs: it is of no one stack. */
  function commentOn(args: readonly string[], env: Record<string, string> = {}) {
    const options = { cwd: estate.folder, env: { ...process.env, ...lasting(), ...env } };
    return promisify(execFile)("sh", ["scripts/run", "ci/comment", "first.json", "second.json", ...args], options);
  }

  before(async () => {
    await estate.create();
    await estate.succeed("up", ["--yes"]);
  });
  after(async () => {
    cleanUp();
    await estate.dispose();
  });

  it("previews every stack and writes what a reviewer needs: refusals first, then actions, limits with totals, drift (R-SEC-10)", async () => {
    // The pull request: a limit raised, a server added and a token in its environment, in the other stack a limit that no
    // host here can hold.
    estate.configure((config) => {
      config["mcp-estate:servers"] = {
        memory: { limits: { memoryMiB: 384, pids: 48 } },
        notes: { from: "memory", env: { GITHUB_TOKEN: `ghp_${"a1B2c3D4e5".repeat(4)}` } },
        fetch: {},
      };
    });
    const config = {
      "mcp-estate:network": { range: places["sample second"].range },
      "mcp-estate:gateway": { port: places["sample second"].port },
      "mcp-estate:servers": { memory: { limits: { memoryMiB: 9_999_999 } }, fetch: { limits: { cpus: 4096 } } },
    };
    writeFileSync(join(estate.folder, `Pulumi.${SECOND}.yaml`), stringify({ config }));
    // And meanwhile somebody has lent a hand.
    const fetch = await estate.container("fetch");
    await fetch.update({ Memory: 300 * 1024 ** 2, MemorySwap: 300 * 1024 ** 2 });

    const first = await estate.command("ci/preview", ["--to", "first.json"], lasting());
    assert.equal(first.code, 1, first.output);
    const second = await estate.command("ci/preview", ["--stack", SECOND, "--to", "second.json"], lasting());
    assert.equal(second.code, 1, second.output);
    ({ stdout: comment } = await commentOn([]));

    assert.ok(comment.startsWith(`${PREVIEW_MARKER}\n`));
    assert.ok(comment.length < MAX_CHARACTERS);
    assert.ok(comment.split("\n").length < 60, comment);
    const order = [
      "2 of 2 stacks refused",
      "Policy violated (1)",
      "container gateway",
      "| Limits",
      "Changed by hand",
      "memory: limits.memoryMiB 9999999",
    ];
    const positions = order.map((text) => comment.indexOf(text));
    assert.deepEqual(
      positions,
      positions.toSorted((a, b) => a - b),
      comment,
    );
    assert.ok(!positions.includes(-1), comment);
    // Whoever gave the token away does not want it in a comment as well.
    assert.doesNotMatch(first.output + comment, /a1B2c3D4e5/);
    assert.match(
      comment,
      /^\| `no-secret-in-clear` \| `notes` \| `environment GITHUB_TOKEN looks like a GitHub token` \|/m,
    );
    // What only checks or plans is no news to a reviewer.
    assert.doesNotMatch(comment, /capacity of|sweep of|plan of|gate smoke/);
    assert.match(comment, /^\| update \| `container memory` \| .*`memory`.*`pids` \|$/m);
    assert.match(comment, /^\| \*\*replace\*\* \| `container gateway` \| .*`networks` \|$/m);
    assert.match(comment, /^\| `memory` \| 256 → \*\*384\*\* \| 64 \| 1 \| 32 → \*\*48\*\* \|$/m);
    assert.match(comment, /^\| `notes` \(new\) \| 256 \| 64 \| 1 \| 32 \|$/m);
    // gateway 512, edge 256, fetch 256, memory 256 → 384, notes 256
    assert.match(
      comment,
      /^\| \*\*all 5\*\* \| 1280 → \*\*1664\*\* \| 320 → \*\*384\*\* \| 4 → \*\*5\*\* \| 160 → \*\*208\*\* \|$/m,
    );
    const { MemTotal, NCPU } = (await docker.info()) as { MemTotal: number; NCPU: number };
    const memory = Math.floor(MemTotal / 1024 ** 2);
    assert.ok(comment.includes(`| host has | ${memory} | ${memory} | ${NCPU} |`), comment);
    assert.match(comment, /^\| `container fetch` \| `memory` \| `256` \| `300` \|$/m);
  });

  it("is the sample that docs/pull-request.md shows", async () => {
    const { Name, MemTotal, NCPU } = (await docker.info()) as { Name: string; MemTotal: number; NCPU: number };
    const shown = comment
      .trimEnd()
      .replaceAll(SECOND, "prod")
      .replaceAll("sample", "dev")
      .replaceAll(`host ${Name}`, "host estate-1")
      .replaceAll(String(Math.floor(MemTotal / 1024 ** 2)), "16000")
      .replaceAll(`the ${NCPU} processors`, "the 4 processors")
      .replaceAll(`up to ${NCPU}`, "up to 4")
      .replaceAll(`| ${NCPU} |  |`, "| 4 |  |");
    const page = readFileSync(SAMPLE, "utf8");
    const [, sample] = /<!-- sample -->\n\n([\s\S]*?)\n<!-- end of sample -->/.exec(page) ?? [];
    if (process.env["UPDATE_SAMPLES"]) {
      writeFileSync(
        SAMPLE,
        page.replace(
          /(<!-- sample -->\n\n)[\s\S]*?(\n<!-- end of sample -->)/,
          () => `<!-- sample -->\n\n${shown}\n<!-- end of sample -->`,
        ),
      );
      return;
    }
    assert.equal(
      sample,
      shown,
      "docs/pull-request.md is not what the engine says; UPDATE_SAMPLES=1 npm test -- test/e2e/pullRequest.e2e.test.ts renews it",
    );
  });

  it("keeps one comment on the pull request", async () => {
    const github = await fakeGitHub();
    for (const word of ["made", "changed"]) {
      const { stderr } = await commentOn(["--pull-request", "7"], github.env);
      assert.match(stderr, new RegExp(`${word} on pull request 7`));
    }
    assert.deepEqual(github.comments(7), [comment]);
  });

  it("keeps one issue on drift up to date, and closes it when an update has put it right", async () => {
    const github = await fakeGitHub();
    const env = { ...lasting(), ...github.env };
    const drifted = await estate.command("ci/drift", [], env);
    assert.equal(drifted.code, 2, drifted.output);
    assert.equal((await estate.command("ci/drift", [], env)).code, 2);
    assert.deepEqual(
      github.issues().map(({ title, state }) => [title, state]),
      [["Drift in stack sample: 2 differences", "open"]],
    );
    assert.match(github.issues()[0]?.body ?? "", /\| `container fetch` \| `memory` \| `256` \| `300` \|/);

    const refused = await estate.command("ci/update", [], lasting());
    assert.equal(refused.code, 1, refused.output);
    assert.match(refused.output, /Refused by policy \(1\)/);
    assert.equal((await estate.containers("notes")).length, 0);

    estate.configure((config) => {
      config["mcp-estate:servers"] = { memory: {}, fetch: {} };
    });
    await estate.succeed("ci/update", [], lasting());
    assert.equal((await estate.command("ci/drift", [], env)).code, 0);
    assert.deepEqual(
      github.issues().map(({ state }) => state),
      ["closed"],
    );
  });

  it("refuses state that the next checkout would empty, before anything is done", async () => {
    for (const command of ["ci/preview", "ci/update", "ci/drift"]) {
      const { code, output } = await estate.command(command, [], { GITHUB_ACTIONS: "true", PULUMI_BACKEND_URL: "" });
      assert.equal(code, 1, output);
      assert.match(output, /error: .*PULUMI_BACKEND_URL is "".*the next run empties/);
    }
  });

  it("tells also why a stack cannot be previewed at all", async () => {
    const nowhere = { ...lasting(), DOCKER_HOST: "unix:///nowhere/docker.sock" };
    const { code, stdout } = await estate.command("ci/preview", [], nowhere);
    assert.equal(code, 1);
    assert.match(
      stdout,
      /## Preview: 1 of 1 stack refused[\s\S]*- `Docker does not answer at DOCKER_HOST="unix:\/\/\/nowhere/,
    );
  });
});
