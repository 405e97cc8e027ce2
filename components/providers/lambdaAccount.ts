import { isDeepStrictEqual } from "node:util";
import type { DiffResult, ReadResult, ResourceProvider } from "@pulumi/pulumi/dynamic/index.js";
import { lambdaOf, type LambdaAccessInputs } from "./lambda/access.ts";
import { writeRules } from "./lambda/firewall.ts";
import { removeRulesets } from "./lambda/rulesets.ts";
import { removeKeys } from "./lambda/keys.ts";
import { removeAll, strayNames } from "./lambda/instances.ts";

export interface LambdaAccountInputs extends LambdaAccessInputs {
  /** ESTATE/STACK. */
  owner: string;
  /** Names of the instances that are declared. */
  names: readonly string[];
  /** Names of the firewall rulesets that are declared. @default none */
  rulesets?: readonly string[] | undefined;
  /** Names of others that carry the owner's tag; declared none. */
  strays: readonly string[];
}

export const provider: ResourceProvider<LambdaAccountInputs, LambdaAccountInputs> = {
  create: (inputs) => Promise.resolve({ id: inputs.owner, outs: inputs }),
  async read(id, state): Promise<ReadResult<LambdaAccountInputs>> {
    if (!state) return {};
    const found = { ...state, strays: await strayNames(lambdaOf(state), state.owner, state.names) };
    return { id, props: found, inputs: found };
  },
  diff(_id, olds, news): Promise<DiffResult> {
    const replaces = olds.owner === news.owner ? [] : ["owner"];
    const same = (["access", "names", "rulesets", "strays"] as const).every((key) =>
      isDeepStrictEqual(olds[key], news[key]),
    );
    return Promise.resolve({ changes: replaces.length > 0 || !same, replaces });
  },
  async update(_id, olds, news) {
    // Those that were declared until now have their own end.
    await removeAll(lambdaOf(news), news.owner, { kept: [...news.names, ...olds.names] });
    return { outs: { ...news, strays: [] } };
  },
  async delete(_id, state) {
    const lambda = lambdaOf(state);
    await removeAll(lambda, state.owner, { launched: state.names });
    // What an update has made that was killed before it could say so.
    await writeRules(lambda.client, state.owner, []);
    await removeRulesets(lambda, state.rulesets ?? []);
    await removeKeys(lambda.client, state.owner);
  },
};
