import { answers, toolsOf } from "./answers.ts";
import { closed } from "./closed.ts";
import { delivered, enforced, mounted } from "./containers.ts";
import { present } from "./present.ts";
import { probed } from "./probed.ts";
import { SMOKE_CHECKS, type SmokeCheck, type SmokeReport, type SmokeSpec } from "./spec.ts";

export type * from "./spec.ts";

/**
 * The functional suite of an estate (R-DEP-04, R-TST-02): each server's proof call through the gateway, declared against
 * effective limits, secrets in place, closed edges closed. Nothing of it changes a server's data.
 */
export async function runSmoke(spec: SmokeSpec): Promise<SmokeReport> {
  const deadline = Date.now() + spec.timeoutSeconds * 1000;
  const { workloads, absent } = await present(spec.workloads);
  const containers = workloads.flatMap((workload) => [
    ...(workload.probe ? [settle("probe", workload.component, () => probed(workload, deadline))] : []),
    settle("limits", workload.component, () => enforced(workload)),
    ...(workload.secretNames.length > 0 ? [settle("secrets", workload.component, () => delivered(workload))] : []),
    ...(workload.mounts ? [settle("mounts", workload.component, () => mounted(workload))] : []),
    ...(workload.closed ? [settle("closed", workload.component, () => closed(workload, workloads))] : []),
  ]);
  const servers = spec.servers.map((server) => settle("answers", server.name, () => answers(spec, server, deadline)));
  const lacking = absent.map((subject): SmokeCheck => {
    return { check: "limits", subject, passed: false, detail: "none of its tasks runs" };
  });
  const checks = [...lacking, ...(await Promise.all([...servers, ...containers]))];
  return { checks: inOrder(checks), tools: await toolsOf(spec) };
}

/** A check says what it found, or throws what is wrong. */
async function settle(check: SmokeCheck["check"], subject: string, work: () => Promise<string>): Promise<SmokeCheck> {
  try {
    return { check, subject, passed: true, detail: await work() };
  } catch (error) {
    return { check, subject, passed: false, detail: (error as Error).message };
  }
}

function inOrder(checks: readonly SmokeCheck[]): SmokeCheck[] {
  const rank = ({ check, subject }: SmokeCheck): string => `${SMOKE_CHECKS.indexOf(check)} ${subject}`;
  return checks.toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1));
}
