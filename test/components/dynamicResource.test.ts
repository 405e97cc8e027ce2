import assert from "node:assert/strict";
import { createRequire } from "node:module";
import * as pulumi from "@pulumi/pulumi";
import { AddressPlan } from "../../components/addressPlan.ts";
import { BuiltImage } from "../../components/builtImage.ts";
import { ContainerWatch } from "../../components/containerWatch.ts";
import { DynamicResource, providerText } from "../../components/dynamicResource.ts";
import { HostCapacity } from "../../components/hostCapacity.ts";
import { OrphanSweep } from "../../components/orphanSweep.ts";
import { ProcessLimit } from "../../components/processLimit.ts";
import { PulledImage } from "../../components/pulledImage.ts";
import { SecretFiles } from "../../components/secretFiles.ts";
import { SmokeGate } from "../../components/smokeGate.ts";

/** As the engine's dynamic provider does. */
const requireFromString = createRequire(createRequire(import.meta.url).resolve("@pulumi/pulumi"))(
  "require-from-string",
) as (text: string) => { handler(): Record<string, (...args: unknown[]) => Promise<unknown>> };

describe("dynamic resources", () => {
  const texts = new Map<string, string>();

  before(async () => {
    await pulumi.runtime.setMocks({
      newResource({ type, inputs }) {
        texts.set(type.split(":").at(-1) ?? "", (inputs as Record<string, string>)["__provider"] ?? "");
        return { id: "id", state: inputs as Record<string, unknown> };
      },
      call: ({ inputs }) => inputs as Record<string, unknown>,
    });
    const owner = { estate: "estate", stack: "dev" };
    const limits = { pids: 1 } as never;
    const declared = { containers: [], networks: [], volumes: [], images: [] };
    const made = [
      new AddressPlan("a", { owner, blocks: [] }),
      new BuiltImage("b", { recipe: { name: "x", layers: [] } as never }),
      new ContainerWatch("c", { declared: { image: "x" } }),
      new HostCapacity("h", { demands: [] }),
      new OrphanSweep("o", { owner, policy: {} as never, servers: [], declared }),
      new ProcessLimit("p", { containerId: "c", component: "c", limits }),
      new PulledImage("i", { component: "c", reference: "x", mountPoints: [] }),
      new SecretFiles("s", { containerId: "c", gid: 1, contract: "{}" }),
      new SmokeGate("g", {
        gatewayUrl: "http://127.0.0.1:1",
        token: "t",
        servers: [],
        workloads: [],
        touched: {},
        timeoutSeconds: 1,
      }),
    ];
    for (const resource of made) {
      assert.ok(resource instanceof DynamicResource);
      await new Promise((resolve) => resource.urn.apply(resolve));
    }
  });

  it("name the methods that their provider has, no more and no fewer", async () => {
    assert.equal(texts.size, 9);
    for (const [type, text] of texts) {
      const file = `${type.charAt(0).toLowerCase()}${type.slice(1)}.ts`;
      const { provider } = (await import(`../../components/providers/${file}`)) as { provider: object };
      assert.deepEqual(Object.keys(requireFromString(text).handler()), Object.keys(provider), type);
    }
  });

  it("do their work in the program's folder, and cost little in each resource", async () => {
    const text = providerText("AddressPlan", ["create"]);
    assert.ok(text.length < 400, `${text.length} characters`);
    const { create } = requireFromString(text).handler();
    assert.deepEqual(await create?.({ blocks: [] }), { id: "address-plan", outs: { blocks: [] } });
  });
});
