import * as pulumi from "@pulumi/pulumi";
import type { ResourceProvider } from "@pulumi/pulumi/dynamic/index.js";

/** What the engine may ask of a dynamic provider. */
export type ProviderMethod = Exclude<keyof ResourceProvider, "configure">;

/**
 * A resource of the engine's dynamic provider. What is done for it stands in `components/providers/`, in the file of its
 * type's name: `provider` of `processLimit.ts` for a `ProcessLimit`.
 *
 * `pulumi.dynamic.Resource` would make text of the provider's code. That loads the TypeScript compiler into every preview
 * (0.4 s), and as the engine keeps this text with each resource, it is most of what a large estate's state holds. All that
 * has to be said is where the code is (docs/adr/0018-dynamic-resources.md).
 */
export abstract class DynamicResource extends pulumi.CustomResource {
  /** @param methods of `provider`; the engine asks for no other. */
  constructor(
    type: string,
    methods: readonly ProviderMethod[],
    name: string,
    props: pulumi.Inputs,
    opts?: pulumi.CustomResourceOptions,
  ) {
    super(`pulumi-nodejs:dynamic/index:${type}`, name, { ...props, __provider: providerText(type, methods) }, opts);
  }
}

/** CommonJS, run by the dynamic provider's process, whose folder is the program's. */
export function providerText(type: string, methods: readonly ProviderMethod[]): string {
  const file = `${type.charAt(0).toLowerCase()}${type.slice(1)}.ts`;
  return [
    `const load = () => import(require("node:url").pathToFileURL(process.cwd() + "/components/providers/${file}").href);`,
    "const method = (name) => async (...args) => (await load()).provider[name](...args);",
    `exports.handler = () => Object.fromEntries(${JSON.stringify(methods)}.map((name) => [name, method(name)]));`,
    "",
  ].join("\n");
}
