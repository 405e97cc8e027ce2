import { isDeepStrictEqual } from "node:util";
import type { DiffResult, ReadResult, ResourceProvider } from "@pulumi/pulumi/dynamic/index.js";
import { lambdaOf, type LambdaAccessInputs } from "./lambda/access.ts";
import { mergeRules, rulesOf } from "./lambda/firewall.ts";
import { firewallRulesSchema, type FirewallRule } from "./lambda/objects.ts";
import { exclusive } from "./images/exclusive.ts";

export interface LambdaFirewallInputs extends LambdaAccessInputs {
  /** ESTATE/STACK. */
  owner: string;
  /** Of this stack; all others in the account's list stay. */
  rules: readonly FirewallRule[];
}

/**
 * Puts the stack's rules into the account's list, which a request replaces as a whole: read, merged, written and read again.
 * @param rules none takes the stack's rules away
 * @throws Error when somebody else writes at the same time, again and again.
 */
async function writeRules(inputs: LambdaFirewallInputs, rules: readonly FirewallRule[]): Promise<void> {
  const { client } = lambdaOf(inputs);
  await exclusive(
    `lambda firewall ${await client.account()}`,
    () => undefined,
    async () => {
      for (let attempt = 1; attempt <= 5; attempt++) {
        const before = await client.get("/firewall-rules", firewallRulesSchema);
        const wanted = mergeRules(before, rules, inputs.owner);
        if (isDeepStrictEqual(before, wanted)) return;
        const options = { body: { data: wanted }, repeatable: true };
        await client.change("PUT", "/firewall-rules", firewallRulesSchema, options);
        const after = await client.get("/firewall-rules", firewallRulesSchema);
        if (isDeepStrictEqual(rulesOf(after, inputs.owner), rules)) return;
      }
      throw new Error(
        "the account's firewall rules are changed by somebody else all the time; look at them at Lambda, and run the update again",
      );
    },
  );
}

export const provider: ResourceProvider<LambdaFirewallInputs, LambdaFirewallInputs> = {
  async create(inputs) {
    await writeRules(inputs, inputs.rules);
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
    await writeRules(news, news.rules);
    return { outs: news };
  },
  delete: (_id, state) => writeRules(state, []),
};
