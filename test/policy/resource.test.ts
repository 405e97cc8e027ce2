import assert from "node:assert/strict";
import * as policy from "@pulumi/policy";
import { declaredResource, UNKNOWN } from "../../policy/resource.ts";

/** What the engine sends of a text that only the update knows. */
const stringUnknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
/** How @pulumi/policy hands properties to policies; exported, but not in its types. */
const { unknownCheckingProxy } = policy as unknown as { unknownCheckingProxy: <T extends object>(props: T) => T };

const opts = { protect: false };
const URN = "urn:pulumi:dev::p::mcp:index:McpServer$mcp:index:StateVolume$docker:index/volume:Volume::p-dev-data";

describe("resources as policies see them (R-SEC-10)", () => {
  it("have the name that exemptions use, their stack and the components around them", () => {
    const props = { driver: "local" };
    const resource = declaredResource({
      type: "docker:index/volume:Volume",
      name: "p-dev-data",
      urn: URN,
      props,
      opts,
    });
    const { name, project, stack, within, inputs } = resource;
    assert.deepEqual(
      { name, project, stack, within, inputs },
      {
        name: "data",
        project: "p",
        stack: "dev",
        within: ["mcp:index:McpServer", "mcp:index:StateVolume"],
        inputs: props,
      },
    );
  });

  it("tell what only the update knows, at any depth, and all the rest beside it", () => {
    const props = unknownCheckingProxy({
      image: stringUnknown,
      list: ["a", stringUnknown],
      nested: { id: stringUnknown, size: 1 },
      none: null,
    });
    assert.deepEqual(declaredResource({ type: "t", name: "n", urn: URN, props, opts }).inputs, {
      image: UNKNOWN,
      list: ["a", UNKNOWN],
      nested: { id: UNKNOWN, size: 1 },
      none: null,
    });
  });
});
