import assert from "node:assert/strict";
import { GitHub } from "../../../../scripts/lib/ci/github.ts";
import { UserError } from "../../../../scripts/lib/userError.ts";
import { cleanUp } from "../../support.ts";
import { fakeGitHub } from "./fakeGitHub.ts";

const MARKER = "<!-- mark -->";

describe("one comment, one issue on GitHub (R-TST-05)", () => {
  afterEach(cleanUp);

  async function start(options?: { refuseWrites: boolean }) {
    const fake = await fakeGitHub(options);
    const github = GitHub.ofWorkflow(fake.env);
    assert.ok(github);
    return { fake, github };
  }

  it("is nothing outside of a workflow", () => {
    assert.equal(GitHub.ofWorkflow({}), undefined);
    assert.equal(GitHub.ofWorkflow({ GITHUB_TOKEN: "", GITHUB_REPOSITORY: "o/r" }), undefined);
  });

  it("finds its comment again behind hundreds of others, and leaves those that only quote the marker", async () => {
    const { fake, github } = await start();
    for (let i = 0; i < 250; i++) fake.addComment(3, `> ${MARKER} said somebody`);
    assert.equal(await github.comment(3, MARKER, `${MARKER} one`), "made");
    assert.equal(await github.comment(3, MARKER, `${MARKER} two`), "changed");
    assert.equal(await github.comment(4, MARKER, `${MARKER} other`), "made");
    assert.deepEqual(fake.comments(3).slice(250), [`${MARKER} two`]);
    assert.deepEqual(fake.comments(4), [`${MARKER} other`]);
  });

  it("opens an issue, keeps it, closes it with a word why, and opens a new one later", async () => {
    const { fake, github } = await start();
    assert.equal(await github.closeIssue(MARKER, "gone"), false);
    assert.equal(await github.issue(MARKER, "one", `${MARKER} a`), "made");
    assert.equal(await github.issue(MARKER, "two", `${MARKER} b`), "changed");
    assert.equal(await github.closeIssue(MARKER, "gone"), true);
    const [first] = fake.issues();
    assert.deepEqual([first?.title, first?.state], ["two", "closed"]);
    assert.deepEqual(fake.comments(first?.number ?? 0), ["gone"]);
    assert.equal(await github.issue(MARKER, "three", `${MARKER} c`), "made");
  });

  it("says which call was refused and which permission is missing", async () => {
    const { github } = await start({ refuseWrites: true });
    await assert.rejects(
      github.comment(3, MARKER, "x"),
      (error) =>
        error instanceof UserError &&
        /refuses POST \/repos\/o\/r\/issues\/3\/comments with 403: .*not accessible.*pull-requests: write/.test(
          error.message,
        ),
    );
  });

  it("says that GitHub cannot be reached", async () => {
    const github = GitHub.ofWorkflow({
      GITHUB_TOKEN: "t",
      GITHUB_REPOSITORY: "o/r",
      GITHUB_API_URL: "http://127.0.0.1:1",
    });
    await assert.rejects(
      github?.issue(MARKER, "t", "b") ?? Promise.resolve(),
      /GitHub cannot be reached for GET \/repos\/o\/r\/issues/,
    );
  });
});
