import { isDeepStrictEqual } from "node:util";
import type { DiffResult, ReadResult, ResourceProvider } from "@pulumi/pulumi/dynamic/index.js";
import { lambdaOf, type LambdaAccessInputs } from "./lambda/access.ts";
import { firewallRulesetsSchema } from "./lambda/objects.ts";
import { ensureRuleset, removeRuleset, setRules, type WantedRuleset } from "./lambda/rulesets.ts";

export interface LambdaFirewallRulesetInputs extends LambdaAccessInputs, WantedRuleset {
  /** Leaves it, at its end, to an instance that nobody has ended: it goes with the stack's account. @default false */
  leaveHeld?: boolean | undefined;
}

export const provider: ResourceProvider<LambdaFirewallRulesetInputs, LambdaFirewallRulesetInputs> = {
  create: async (inputs) => ({ id: await ensureRuleset(lambdaOf(inputs), inputs), outs: inputs }),
  async read(id, state): Promise<ReadResult<LambdaFirewallRulesetInputs>> {
    if (!state) return {};
    const all = await lambdaOf(state).client.get("/firewall-rulesets", firewallRulesetsSchema);
    const found = all.find((each) => each.id === id);
    if (!found) return {};
    const current = { ...state, rules: found.rules };
    return { id, props: current, inputs: current };
  },
  diff(_id, olds, news): Promise<DiffResult> {
    const replaces = (["name", "region"] as const).filter((key) => olds[key] !== news[key]);
    const same = isDeepStrictEqual(olds.rules, news.rules) && isDeepStrictEqual(olds.access, news.access);
    return Promise.resolve({ changes: replaces.length > 0 || !same, replaces, deleteBeforeReplace: true });
  },
  async update(id, _olds, news) {
    await setRules(lambdaOf(news).client, id, news.rules);
    return { outs: news };
  },
  delete: (id, state) => removeRuleset(lambdaOf(state), id, state.leaveHeld),
};
