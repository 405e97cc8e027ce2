import assert from "node:assert/strict";
import { gpuClaims } from "../../components/gpus.ts";

type Need = "none" | "preferred" | "required";
const server = (name: string, gpu: Need, { instances = 1, state = "running", on = "" } = {}) => ({
  ...{ name, gpu, instances, state, constraints: on === "" ? [] : [`node.hostname==${on}`] },
});

describe("R-TGT-03: who gets a GPU first", () => {
  it("those that need one, then those that prefer one, each in the order of the settings", () => {
    const claims = gpuClaims([
      server("a", "preferred"),
      server("b", "required", { on: "n" }),
      server("c", "none"),
      server("d", "required", { instances: 2 }),
    ]);
    const b = ["node.hostname==n"];
    assert.deepEqual(
      [...claims],
      [
        ["b", { need: "required", before: [] }],
        ["d", { need: "required", before: [b] }],
        ["d--2", { need: "required", before: [b, []] }],
        ["a", { need: "preferred", before: [b, [], []] }],
      ],
    );
  });

  it("one that is stopped takes none from others", () => {
    const claims = gpuClaims([server("a", "required", { state: "stopped" }), server("b", "preferred")]);
    assert.deepEqual([...claims], [["b", { need: "preferred", before: [] }]]);
  });
});
