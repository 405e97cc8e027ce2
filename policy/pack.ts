/**
 * The policy pack: every rule as a policy of the engine's. `pulumi preview --policy-pack policy` runs it as it is;
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
import { EXEMPTIONS, UNUSED_EXEMPTIONS, type PackConfig } from "./config.ts";
import { Exemptions } from "./exemptions.ts";
import { declaredResource, type DeclaredResource } from "./resource.ts";
import type { Finding, ResourceRule, Rule, StackRule } from "./rule.ts";
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

function resourcePolicy({ name, description, severity, types, check }: ResourceRule): Policies[number] {
  const validate: ResourceValidation = (args, report) => {
    if (!types.includes(args.type)) return;
    const resource = declaredResource(args);
    const { production = resource.stack === "prod" } = args.getConfig<Partial<PackConfig>>();
    for (const finding of check(resource, { production })) tell(name, resource, finding, args, report);
  };
  const [type = "", ...others] = types;
  return {
    name,
    description,
    enforcementLevel: severity,
    configSchema,
    validateResource: others.length === 0 ? ofType(type, validate) : validate,
  };
}

/**
 * Of a validation of one type @pulumi/policy asks about that type alone. All others it hands every resource, with all
 * properties unpacked once more: half of what a pack costs.
 */
function ofType(type: string, validate: ResourceValidation): ResourceValidation {
  const resourceClass = { __pulumiType: type } as unknown as Parameters<typeof validateResourceOfType>[0];
  return validateResourceOfType(resourceClass, (_props, args, report) => validate(args, report));
}

function stackPolicy({ name, description, severity, types, checkStack }: StackRule): Policies[number] {
  return {
    name,
    description,
    enforcementLevel: severity,
    configSchema,
    validateStack(args, report) {
      const resources = args.resources.filter(({ type }) => types.includes(type)).map(declaredResource);
      for (const { resource, ...finding } of checkStack(resources)) tell(name, resource, finding, args, report);
    },
  };
}

function tell(
  policy: string,
  resource: DeclaredResource,
  { why, todo }: Finding,
  args: Configured,
  report: ReportViolation,
): void {
  if (!exemptionsOf(args).covers(policy, resource)) report(`${why}\n${todo}`, resource.urn);
}

const STACK = "pulumi:pulumi:Stack";

const exemptionPolicies: Policies = [
  {
    name: EXEMPTIONS,
    description: "Exemptions name a policy, a resource, a reason and a day that is yet to come.",
    enforcementLevel: "mandatory",
    configSchema,
    validateResource: ofType(STACK, (args, report) => {
      for (const { exemption, why, todo } of exemptionsOf(args).faults) {
        report(`exemption of ${exemption.resource ?? "?"} from ${exemption.policy ?? "?"}: ${why}\n${todo}`);
      }
    }),
  },
  {
    // Stands last: which exemptions were needed is known when all others have spoken.
    name: UNUSED_EXEMPTIONS,
    description: "Exemptions are taken out when nothing needs them any more.",
    enforcementLevel: "advisory",
    configSchema,
    validateStack(args: StackValidationArgs, report) {
      for (const { policy, resource } of exemptionsOf(args).unused()) {
        report(`exemption of ${resource} from ${policy}: nothing is exempted by it\ntake it out of mcp-estate:policy`);
      }
    },
  },
];

function toPolicy(rule: Rule): Policies[number] {
  return "check" in rule ? resourcePolicy(rule) : stackPolicy(rule);
}

new PolicyPack("mcp-estate", { policies: [...rules.map(toPolicy), ...exemptionPolicies] });
