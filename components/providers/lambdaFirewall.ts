import { isDeepStrictEqual } from "node:util";
import type { DiffResult, ReadResult, ResourceProvider } from "@pulumi/pulumi/dynamic/index.js";
import { lambdaOf, type LambdaAccessInputs } from "./lambda/access.ts";
import { rulesOf, writeRules } from "./lambda/firewall.ts";
import { firewallRulesSchema, type FirewallRule } from "./lambda/objects.ts";

export interface LambdaFirewallInputs extends LambdaAccessInputs {
  /** ESTATE/STACK. */
  owner: string;
  /** Of this stack; all others in the account's list stay. */
  rules: readonly FirewallRule[];
}

export const provider: ResourceProvider<LambdaFirewallInputs, LambdaFirewallInputs> = {
  async create(inputs) {
    await writeRules(lambdaOf(inputs).client, inputs.owner, inputs.rules);
    return { id: inputs.owner, outs: inputs };
  },
  async read(id, state): Promise<ReadResult<LambdaFirewallInputs>> {
    if (!state) return {};
    const all = await lambdaOf(state).client.get("/firewall-rules", firewallRulesSchema);
    const found = { ...state, rules: rulesOf(all, state.owner) };
    return { id, props: found, inputs: found };
  },
  diff(_id, olds, news): Promise<DiffResult> {
    const replaces = olds.owner === news.owner ? [] : ["owner"];
    const same = isDeepStrictEqual(olds.rules, news.rules) && isDeepStrictEqual(olds.access, news.access);
    return Promise.resolve({ changes: replaces.length > 0 || !same, replaces, deleteBeforeReplace: true });
  },
  async update(_id, _olds, news) {
    await writeRules(lambdaOf(news).client, news.owner, news.rules);
    return { outs: news };
  },
  delete: (_id, state) => writeRules(lambdaOf(state).client, state.owner, []),
};
