import assert from "node:assert/strict";
import { readCloudHistory } from "../../../../scripts/lib/history/cloudHistory.ts";
import type { Prepared } from "../../../../scripts/lib/prepare.ts";
import { cleanUp, fakeProgram, temporaryFolder, write } from "../../support.ts";

describe("history of a service", () => {
  afterEach(cleanUp);

  const release = {
    program: { hash: "aaaa", commit: "", dirty: true },
    images: {},
    smoke: { checks: [{ passed: true }], tools: {} },
  };
  const history = [
    { version: 2, kind: "update", startTime: "2026-11-21T10:05:00Z", result: "succeeded", message: "two", config: {} },
    {
      version: 1,
      kind: "update",
      startTime: "2026-11-21T10:00:00Z",
      result: "succeeded",
      config: {
        "estate:servers": { value: '{"memory":{}}', objectValue: { memory: {} }, secret: false },
        "estate:plain": { value: "x", secret: false },
        "estate:key": { value: "[secret]", secret: true },
      },
    },
  ];

  it("asks the engine for versions and the record of each; a secret's value never comes in", async () => {
    const folder = temporaryFolder();
    const state = { deployment: { resources: [{ type: "pulumi:pulumi:Stack", outputs: { release } }] } };
    write(folder, "history.json", JSON.stringify(history));
    write(folder, "state.json", JSON.stringify(state));
    const script = `case "$*" in
      "stack history --json"*) cat ${folder}/history.json ;;
      "stack export --version 1 "*) cat ${folder}/state.json ;;
      *) echo "no such version" >&2; exit 1 ;;
    esac`;
    const prepared: Prepared = {
      engine: { file: fakeProgram(folder, "pulumi", script), version: "3.255.0", origin: "PATH", official: true },
      env: process.env,
    };
    const [first, second] = await readCloudHistory(prepared, folder, "org/estate/dev");
    assert.deepEqual(first?.release, release);
    assert.deepEqual(first.config, {
      "estate:servers": { memory: {} },
      "estate:plain": "x",
      "estate:key": { secure: "" },
    });
    assert.equal(second?.number, 2);
    assert.match(second.fault ?? "", /stack export failed: no such version/);
  });
});
