import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { inWords, readAudit } from "../../../scripts/lib/audit.ts";
import { projectDir } from "../../../scripts/lib/paths.ts";
import { cleanUp, temporaryFolder, write } from "../support.ts";

describe("npm audit, put into words (R-SEC-09)", () => {
  it("names what is vulnerable", () => {
    const via = [{ title: "a way in" }];
    const report = {
      auditReportVersion: 2,
      vulnerabilities: { lodash: { name: "lodash", severity: "high", isDirect: false, via, range: "<=4.17.20" } },
      metadata: { vulnerabilities: { high: 1 } },
    };
    const audit = readAudit(JSON.stringify(report));
    assert.deepEqual(audit.answered && audit.found.map(inWords), ["lodash <=4.17.20 (high)"]);
    assert.deepEqual(readAudit('{"auditReportVersion":2,"vulnerabilities":{}}'), { answered: true, found: [] });
  });

  it("tells no answer from a good one", () => {
    const refused = { message: "405 Method Not Allowed", method: "POST", error: { summary: "", detail: "" } };
    assert.deepEqual(readAudit(JSON.stringify(refused)), { answered: false, why: "405 Method Not Allowed" });
    assert.throws(() => readAudit("{}"));
    assert.throws(() => readAudit("<html>"), SyntaxError);
  });
});

describe("the search for secrets (R-SEC-01)", () => {
  afterEach(cleanUp);
  const search = (text: string) => {
    const folder = temporaryFolder();
    copyFileSync(join(projectDir, ".secretlintrc.json"), join(folder, ".secretlintrc.json"));
    write(folder, "settings.ts", `export const given = ${JSON.stringify(text)};\n`);
    const program = join(projectDir, "node_modules/secretlint/bin/secretlint.js");
    return spawnSync(process.execPath, [program, "**/*"], { cwd: folder, encoding: "utf8" });
  };

  it("finds a token that was committed, and does not show it", () => {
    // In two parts, as this file is searched as well.
    const token = ["ghp", "wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx"].join("_");
    const { status, stdout } = search(token);
    assert.equal(status, 1, stdout);
    assert.match(stdout, /settings\.ts[\s\S]*GitHub/);
    assert.doesNotMatch(stdout, new RegExp(token));
  });

  it("is content with a reference to one", () => {
    const { status, stdout } = search("${secrets.GITHUB_TOKEN}");
    assert.equal(status, 0, stdout);
  });
});
