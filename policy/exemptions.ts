import type { DeclaredResource } from "./resource.ts";

/** A violation that somebody answers for until a day, as it stands in the stack file. */
export interface Exemption {
  /** Name of the policy. */
  policy: string;
  /** Name of the resource, as the table of violations shows it. */
  resource: string;
  reason: string;
  /** Last day on which it holds, YYYY-MM-DD. */
  until: string;
}

/** What is wrong with an exemption by itself; such a one exempts nothing. */
export interface ExemptionFault {
  exemption: Partial<Exemption>;
  why: string;
  todo: string;
}

/**
 * The exemptions of one stack, and which of them were needed.
 * @param today YYYY-MM-DD.
 */
export class Exemptions {
  readonly faults: readonly ExemptionFault[];
  private readonly valid: readonly Exemption[];
  private readonly used = new Set<Exemption>();

  constructor(given: readonly Partial<Exemption>[], policies: readonly string[], today: string) {
    const judged = given.map((exemption) => ({ exemption, fault: faultOf(exemption, policies, today) }));
    this.faults = judged.flatMap(({ exemption, fault }) => (fault ? [{ exemption, ...fault }] : []));
    this.valid = judged.flatMap(({ exemption, fault }) => (fault ? [] : [exemption as Exemption]));
  }

  /** Is the violation of that policy by that resource exempted? Remembers which exemption was needed. */
  covers(policy: string, { name }: Pick<DeclaredResource, "name">): boolean {
    const found = this.valid.filter((each) => each.policy === policy && each.resource === name);
    for (const each of found) this.used.add(each);
    return found.length > 0;
  }

  /** Those that exempted nothing, as far as anything was judged. */
  unused(): Exemption[] {
    return this.valid.filter((each) => !this.used.has(each));
  }
}

function faultOf(
  { policy, resource, reason, until }: Partial<Exemption>,
  policies: readonly string[],
  today: string,
): { why: string; todo: string } | undefined {
  if (policy === undefined || !policies.includes(policy)) {
    return { why: `there is no policy ${JSON.stringify(policy ?? "")}`, todo: `name one of ${policies.join(", ")}` };
  }
  if (typeof resource !== "string" || resource === "") {
    return { why: "it names no resource", todo: "name one, as the table of violations shows it" };
  }
  if (typeof reason !== "string" || reason.trim() === "") {
    return { why: "it gives no reason", todo: "say why, and who answers for it" };
  }
  if (typeof until !== "string" || !isDay(until)) {
    return { why: `until ${JSON.stringify(until ?? "")} is no day`, todo: "give its last day as YYYY-MM-DD" };
  }
  if (until < today) {
    return { why: `it ended on ${until}`, todo: "take it out, or give a new day and say why it goes on" };
  }
  return undefined;
}

function isDay(text: string): boolean {
  const day = /^\d{4}-\d{2}-\d{2}$/.test(text) ? new Date(`${text}T00:00:00Z`) : undefined;
  return day !== undefined && !Number.isNaN(day.valueOf()) && day.toISOString().startsWith(text);
}
