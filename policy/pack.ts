/**
 * The policy pack: every rule, in the engine's groups. `pulumi preview --policy-pack policy` runs it as it is;
 * `npm run preview` and `npm run up` run it in one file that starts faster (scripts/lib/policies).
 */
import {
  PolicyPack,
  validateResourceOfType,
  type Policies,
  type PolicyConfigSchema,
  type ReportViolation,
  type ResourceValidation,
  type ResourceValidationArgs,
  type StackValidationArgs,
} from "@pulumi/policy";
import type { PackConfig } from "./config.ts";
import { Exemptions } from "./exemptions.ts";
import {
  EXEMPTIONS,
  EXEMPTIONS_TYPE,
  resourceGroups,
  stackRules,
  UNUSED_EXEMPTIONS,
  WHOLE_STACK,
  type ResourceGroup,
} from "./groups.ts";
import { declaredResource, type DeclaredResource } from "./resource.ts";
import type { Finding, RuleBase } from "./rule.ts";
import { rules } from "./rules/index.ts";

/** Loose: what is wrong with an exemption is said in the pack's own words. */
const configSchema: PolicyConfigSchema = {
  properties: {
    exemptions: { type: "array", items: { type: "object" } },
    production: { type: "boolean" },
  },
};

type Configured = Pick<ResourceValidationArgs, "getConfig">;
let exemptions: Exemptions | undefined;

/** The engine configures the pack once, before it asks anything. */
function exemptionsOf(args: Configured): Exemptions {
  const { exemptions: given = [] } = args.getConfig<Partial<PackConfig>>();
  exemptions ??= new Exemptions(
    given,
    rules.map(({ name }) => name),
    new Date().toISOString().slice(0, 10),
  );
  return exemptions;
}

function resourcePolicy(group: ResourceGroup): Policies[number] {
  return {
    name: group.name,
    description: `What holds of every ${group.name}: ${group.rules.map(({ name }) => name).join(", ")}.`,
    enforcementLevel: "mandatory",
    configSchema,
    validateResource: ofType(group.type, (args, report) => {
      const resource = declaredResource(args);
      const { production = resource.stack === "prod" } = args.getConfig<Partial<PackConfig>>();
      for (const rule of group.rules)
        for (const finding of rule.check(resource, { production })) tell(rule, resource, finding, args, report);
    }),
  };
}

/** Of a validation of one type @pulumi/policy asks about that type alone, without unpacking any other. */
function ofType(type: string, validate: ResourceValidation): ResourceValidation {
  const resourceClass = { __pulumiType: type } as unknown as Parameters<typeof validateResourceOfType>[0];
  return validateResourceOfType(resourceClass, (_props, args, report) => validate(args, report));
}

const stackPolicy: Policies[number] = {
  name: WHOLE_STACK,
  description: `What holds of resources together: ${stackRules.map(({ name }) => name).join(", ")}.`,
  enforcementLevel: "mandatory",
  configSchema,
  validateStack(args: StackValidationArgs, report) {
    const types = new Set(stackRules.flatMap((rule) => rule.types));
    const resources = args.resources.filter(({ type }) => types.has(type)).map(declaredResource);
    for (const rule of stackRules) {
      const asked = resources.filter(({ type }) => rule.types.includes(type));
      for (const { resource, ...finding } of rule.checkStack(asked)) tell(rule, resource, finding, args, report);
    }
    // Which exemptions were needed is known when all rules have spoken; the engine asks about the stack last.
    for (const { policy, resource } of exemptionsOf(args).unused()) {
      say(report, {
        name: UNUSED_EXEMPTIONS,
        description: "Exemptions are taken out when nothing needs them any more.",
        enforcementLevel: "advisory",
        lines: [
          `exemption of ${resource} from ${policy}: nothing is exempted by it`,
          "take it out of mcp-estate:policy",
        ],
      });
    }
  },
};

const exemptionPolicy: Policies[number] = {
  name: EXEMPTIONS,
  description: "Exemptions name a policy, a resource, a reason and a day that is yet to come.",
  enforcementLevel: "mandatory",
  configSchema,
  validateResource: ofType(EXEMPTIONS_TYPE, (args, report) => {
    for (const { exemption, why, todo } of exemptionsOf(args).faults) {
      report(`exemption of ${exemption.resource ?? "?"} from ${exemption.policy ?? "?"}: ${why}\n${todo}`);
    }
  }),
};

function tell(
  { name, description, severity }: RuleBase,
  resource: DeclaredResource,
  { why, todo }: Finding,
  args: Configured,
  report: ReportViolation,
): void {
  if (exemptionsOf(args).covers(name, resource)) return;
  say(report, { name, description, enforcementLevel: severity, urn: resource.urn, lines: [why, todo] });
}

interface Spoken {
  name: string;
  description: string;
  enforcementLevel: "mandatory" | "advisory";
  urn?: string;
  lines: readonly string[];
}

/**
 * In the name of a rule, not of its group. @pulumi/policy takes such an object in place of a text, which its types do not
 * say; the end-to-end test of the policies sees each rule by its name and severity.
 */
function say(report: ReportViolation, { description, lines, ...spoken }: Spoken): void {
  const message = [description, ...lines].join("\n");
  (report as unknown as (violation: object) => void)({ ...spoken, description, message });
}

new PolicyPack("mcp-estate", { policies: [...resourceGroups.map(resourcePolicy), stackPolicy, exemptionPolicy] });
