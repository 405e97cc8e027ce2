import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { projectDir } from "../../scripts/lib/paths.ts";

/** Runs a script in a program's place, with lightSdk.ts loaded first or without it. */
function run(script: string, options: { light: boolean; env?: Record<string, string> }): unknown {
  const url = pathToFileURL(join(projectDir, "offline/languageHost/lightSdk.ts")).href;
  const program = `
    const pulumi = require("@pulumi/pulumi");
    const { debuggablePromise } = require("@pulumi/pulumi/runtime/debuggable.js");
    ${script}`;
  const args = [...(options.light ? ["--import", url] : []), "-e", program];
  const env = { ...process.env, ...options.env };
  return JSON.parse(execFileSync(process.execPath, args, { cwd: projectDir, env, encoding: "utf8" })) as unknown;
}

const STACK = `
  const promise = Promise.resolve(1);
  debuggablePromise(promise, "test");
  console.log(JSON.stringify(promise._debugStackTrace.split("\\n").length > 1));`;
const DEBUG = 'console.log(JSON.stringify(pulumi.log.debug.toString().includes("getEngine")))';

describe("lightSdk", function () {
  this.timeout(30_000);

  it("leaves out debug messages, which the SDK otherwise sends one by one", () => {
    assert.equal(run(DEBUG, { light: false }), true);
    assert.equal(run(DEBUG, { light: true }), false);
  });

  it("leaves out the stacks of promises, but not for somebody who looks for leaks", () => {
    assert.equal(run(STACK, { light: false }), true);
    assert.equal(run(STACK, { light: true }), false);
    assert.equal(run(STACK, { light: true, env: { PULUMI_DEBUG_PROMISE_LEAKS: "true" } }), true);
  });

  it("keeps the stacks of errors", () => {
    const frames = 'debuggablePromise(Promise.resolve(1), "x"); console.log(new Error("x").stack.split("\\n").length)';
    assert.ok(Number(run(frames, { light: true })) > 2);
  });
});
