import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { projectDir } from "../../../scripts/lib/paths.ts";
import { parseTestArgs, selectTests } from "../../../scripts/lib/testFiles.ts";
import { totals, type TestResult } from "../../../scripts/lib/testRun.ts";
import { cleanUp, temporaryFolder, write } from "../support.ts";

describe("runMocha", () => {
  afterEach(cleanUp);

  /** Through a process of its own, so that mocha's lines of these runs stay out of ours. */
  function run(source: string, grep?: string): TestResult {
    const file = write(temporaryFolder(), "some.test.ts", source);
    const options = JSON.stringify({ files: [file], grep, cwd: projectDir });
    const script = `import { runMocha } from ${JSON.stringify(join(projectDir, "scripts/lib/testRun.ts"))};
      const result = await runMocha({ ...${options}, env: process.env });
      console.log("\\n" + JSON.stringify(result));`;
    const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
    const result = JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as TestResult;
    assert.deepEqual(result.files, [file]);
    return result;
  }

  it("counts what mocha tells, failing hooks included", () => {
    const { passed, failed, pending, failures, broken } = run(`
      it("a", () => {}); it("b", () => {}); it("c", () => { throw new Error("no\\nmore"); }); it("d");
      describe("e", () => { before(() => { throw new Error("hook"); }); it("f", () => {}); });`);
    assert.deepEqual({ passed, failed, pending, broken }, { passed: 2, failed: 2, pending: 1, broken: undefined });
    assert.deepEqual(failures, ["failed: c: no", 'failed: e "before all" hook for "f": hook']);
  });

  it("runs files side by side, and keeps what each says together", () => {
    const folder = temporaryFolder();
    const files = ["a", "b", "c"].map((name) =>
      write(
        folder,
        `${name}.test.ts`,
        `import { setTimeout as sleep } from "node:timers/promises";
         it("${name}", async () => { console.log("${name} 1"); await sleep(500); console.log("${name} 2"); if ("${name}" === "b") throw new Error("no"); });`,
      ),
    );
    const script = `import { runSideBySide } from ${JSON.stringify(join(projectDir, "scripts/lib/testRun.ts"))};
      const options = { grep: undefined, env: process.env, cwd: ${JSON.stringify(projectDir)} };
      const results = await runSideBySide(${JSON.stringify(files)}, 2, options, (line) => console.log(line.replace(/.*\\//, "")));
      console.log("\\n" + JSON.stringify(results));`;
    const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
    const lines = stdout.trim().split("\n");
    const results = JSON.parse(lines.at(-1) ?? "") as TestResult[];
    assert.deepEqual(
      results.map(({ files: [file], passed, failed }) => [file, passed, failed]),
      files.map((file) => [file, file.endsWith("b.test.ts") ? 0 : 1, file.endsWith("b.test.ts") ? 1 : 0]),
    );
    const at = (line: string): number => lines.indexOf(line);
    for (const name of ["a", "b", "c"]) assert.equal(at(`${name} 2`), at(`${name} 1`) + 1, stdout);
    assert.deepEqual([at("a.test.ts begins"), at("b.test.ts begins")], [0, 1], stdout);
    assert.ok(at("c.test.ts begins") > Math.min(at("a 2"), at("b 2")), stdout);
  });

  it("runs only what --grep asks for", () => {
    assert.equal(run(`it("apple", () => {}); it("pear", () => {});`, "^app").passed, 1);
  });

  it("does not wait for what a test leaves open", () => {
    assert.equal(run(`it("a", () => { setInterval(() => {}, 1000); });`).passed, 1);
  });

  it("knows when mocha breaks off, before or between tests", () => {
    assert.equal(run(`import "./nowhere.ts";`).broken, "mocha broke off (exit code 1)");
    const { passed, broken } = run(`it("a", () => {}); it("b", () => process.exit(0));`);
    assert.deepEqual({ passed, broken }, { passed: 1, broken: "mocha broke off (exit code 0)" });
  });
});

describe("totals", () => {
  const result = (passed: number, failed: number, broken?: string): TestResult => ({
    files: ["a.test.ts"],
    passed,
    failed,
    pending: 0,
    failures: Array.from({ length: failed }, (_, at) => `failed: ${at}`),
    broken,
  });

  it("adds up, and counts a broken process as a failure", () => {
    assert.deepEqual(totals([result(3, 0), result(1, 2)]), {
      passed: 4,
      failed: 2,
      pending: 0,
      lines: ["failed: 0", "failed: 1"],
    });
    assert.deepEqual(totals([result(3, 0, "mocha broke off")]), {
      passed: 3,
      failed: 1,
      pending: 0,
      lines: ["mocha broke off: a.test.ts"],
    });
  });

  it("fails when no test ran", () => {
    assert.deepEqual(totals([]), { passed: 0, failed: 1, pending: 0, lines: ["no test ran"] });
    assert.equal(totals([result(0, 0)]).failed, 1);
  });
});

describe("test files", () => {
  afterEach(cleanUp);

  it("are taken apart into unit and end-to-end, alone or not, all or those named", () => {
    const project = temporaryFolder();
    for (const file of ["a.test.ts", "b/c.test.ts", "e2e/up.test.ts", "e2e/load.alone.test.ts", "e2e/support.ts"])
      write(project, `test/${file}`, "");
    const all = {
      unit: ["test/a.test.ts", "test/b/c.test.ts"],
      endToEnd: ["test/e2e/up.test.ts"],
      alone: ["test/e2e/load.alone.test.ts"],
    };
    for (const apart of ["swarm/long", "lambda/estate/long"]) write(project, `test/${apart}.test.ts`, "");
    assert.deepEqual(selectTests(project, []), all);
    const asked = ["test/lambda/estate/long.test.ts"];
    assert.deepEqual(selectTests(project, ["test/lambda"]), { unit: asked, endToEnd: [], alone: [] });
    assert.deepEqual(selectTests(project, ["test/b"]), { unit: ["test/b/c.test.ts"], endToEnd: [], alone: [] });
    assert.deepEqual(selectTests(project, ["./test/e2e"]), { ...all, unit: [] });
    assert.throws(
      () => selectTests(project, ["test/e2e/support.ts"]),
      /^UserError: "test\/e2e\/support\.ts" is no test; allowed are/,
    );
  });

  it("come with --grep, and no other option", () => {
    assert.deepEqual(parseTestArgs(["--grep", "x y", "test/b"]), { files: ["test/b"], grep: "x y" });
    assert.deepEqual(parseTestArgs(["--grep=x"]), { files: [], grep: "x" });
    assert.throws(
      () => parseTestArgs(["--watch"]),
      /^UserError: unknown option "--watch"; allowed are --grep PATTERN and test files$/,
    );
  });
});
