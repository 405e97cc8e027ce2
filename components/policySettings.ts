import { z } from "zod";

/** A violation that somebody answers for. Read from the stack file by the policy pack (policy/), which knows the policies. */
const exemptionSchema = z.strictObject({
  /** Name of the policy, for example `no-public-bind`. */
  policy: z.string().min(1),
  /** Name of the resource, as `npm run preview` shows it. */
  resource: z.string().min(1),
  /** Why it may be so, and who answers for it. */
  reason: z.string().trim().min(1, "say why, and who answers for it"),
  /** Last day on which it holds, `YYYY-MM-DD`; from the next one on updates are refused. */
  until: z.preprocess(withoutTime, z.iso.date()),
});

/** The engine reads a day that stands without quotes as a time, and gives the program `2027-01-31 00:00:00 +0000 UTC`. */
function withoutTime(value: unknown): unknown {
  return typeof value === "string" ? value.replace(/ 00:00:00 \+0000 UTC$/, "") : value;
}

/** What the stack says to the policies that its updates are checked by (docs/policy.md). */
export const policySettingsSchema = z.strictObject({
  /** Check updates at all. */
  enabled: z.boolean().default(true),
  /** Data of this stack is not to be lost: its data volumes have to be protected. @default the stack is called prod */
  production: z.boolean().optional(),
  exemptions: z.array(exemptionSchema).default([]),
});
