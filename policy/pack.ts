/**
 * The policy pack: every rule as a policy of the engine's. `pulumi preview --policy-pack policy` runs it as it is;
 * `npm run preview` and `npm run up` run it in one file that starts faster (scripts/lib/policies).
 */
import {
  PolicyPack,
  type Policies,
  type PolicyConfigSchema,
  type ReportViolation,
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
  return {
    name,
    description,
    enforcementLevel: severity,
    configSchema,
    validateResource(args, report) {
      const resource = ofTypes(args, types);
      if (resource === undefined) return;
      const { production = resource.stack === "prod" } = args.getConfig<Partial<PackConfig>>();
      for (const finding of check(resource, { production })) tell(name, resource, finding, args, report);
    },
  };
}

/** Only what is asked for is copied: the engine asks every policy about every resource. */
function ofTypes(args: ResourceValidationArgs, types: readonly string[]): DeclaredResource | undefined {
  const type = args.type.startsWith("pulumi-nodejs:") ? args.type.slice(args.type.lastIndexOf(":") + 1) : args.type;
  return types.includes(type) ? declaredResource(args) : undefined;
}

function stackPolicy({ name, description, severity, checkStack }: StackRule): Policies[number] {
  return {
    name,
    description,
    enforcementLevel: severity,
    configSchema,
    validateStack(args, report) {
      for (const { resource, ...finding } of checkStack(args.resources.map(declaredResource))) {
        tell(name, resource, finding, args, report);
      }
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

/** Stands last: which exemptions were needed is known when all others have spoken. */
const exemptionPolicies: Policies = [
  {
    name: EXEMPTIONS,
    description: "Exemptions name a policy, a resource, a reason and a day that is yet to come.",
    enforcementLevel: "mandatory",
    configSchema,
    validateStack(args: StackValidationArgs, report) {
      for (const { exemption, why, todo } of exemptionsOf(args).faults) {
        report(`exemption of ${exemption.resource ?? "?"} from ${exemption.policy ?? "?"}: ${why}\n${todo}`);
      }
    },
  },
  {
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
