import { styleText } from "node:util";
import { duration, table } from "../log.ts";
import type { ContainerFacts, Facts } from "./facts.ts";
import { problems, type Condition } from "./verdict.ts";

/** Use of a limit from which on it stands out. */
const HIGH = 0.75;

/** The whole state on one screen: servers, containers, alerts, and one last line that says it all. */
export function screen(facts: Facts): string {
  const { stack, gatewayUrl, servers, containers, monitoring } = facts;
  const found = problems(facts);
  const parts = [
    table(
      ["SERVER", "STATE", "LAST PROOF", "TOOLS", "WHY"],
      servers.map(({ name, state, ageSeconds, tools, reason, listsOnly }) => [
        name,
        state !== "healthy" ? warn(state) : listsOnly ? "lists only" : state,
        ageSeconds === null ? "never" : `${duration(ageSeconds * 1000)} ago`,
        String(tools),
        reason ?? "",
      ]),
    ),
    table(["CONTAINER", "STATE", "PROCESSES", "TASKS", "MEMORY", "UP", "RESTARTS"], containers.map(row)),
    ...(monitoring && monitoring.alerts.length > 0
      ? [
          table(
            ["ALERT", "LEVEL", "FOR", "WHAT"],
            monitoring.alerts.map(({ name, level, sinceSeconds, summary }) => [
              warn(name),
              level,
              duration(sinceSeconds * 1000),
              summary,
            ]),
          ),
        ]
      : []),
  ];
  const well = servers.filter(({ state }) => state === "healthy" || state === "degraded");
  const listing = well.filter(({ listsOnly }) => listsOnly).length;
  const stopped = servers.filter(({ state }) => state === "stopped").length;
  const only = listing === 0 ? "" : `, ${listing} list their tools only`;
  const rest = stopped === 0 ? "" : `, ${stopped} stopped as declared`;
  const counted = `${well.length - listing} of ${servers.length} servers of stack "${stack}" work at ${gatewayUrl}, by their last proof${only}${rest}`;
  const watched = monitoring ? `${monitoring.alerts.length} alerts` : "no monitoring in this stack";
  const end =
    found.length === 0
      ? `${counted}; ${watched}; nothing is wrong.`
      : [`${counted}; ${watched}.`, ...found.map((line) => warn(`✗ ${line}`))].join("\n");
  return `${[...parts, end].join("\n\n")}\n`;
}

function row(container: ContainerFacts): string[] {
  const { name, state, health, processes, tasks, pidsLimit, memoryMiB, memoryLimitMiB, upSeconds, restarts } =
    container;
  const said = health === "none" ? state : `${state}, ${health}`;
  return [
    name,
    state === "running" && health !== "unhealthy" ? said : warn(said),
    String(processes),
    share(tasks, pidsLimit, ""),
    share(memoryMiB, memoryLimitMiB, " MiB"),
    upSeconds === 0 ? "" : duration(upSeconds * 1000),
    String(restarts),
  ];
}

function share(used: number, limit: number, unit: string): string {
  const text = `${used} / ${limit === 0 ? "no limit" : limit}${unit}`;
  return limit === 0 || used >= HIGH * limit ? warn(text) : text;
}

function warn(text: string): string {
  return styleText("yellow", text, { stream: process.stdout });
}

/** The conditions of R-OPS-06 as a table. */
export function recoveryScreen(conditions: readonly Condition[]): string {
  const rows = conditions.map(({ name, met, found }) => [met ? "yes" : warn("NO"), name, found]);
  const met = conditions.every((condition) => condition.met);
  return `${table(["MET", "CONDITION", "FOUND"], rows)}\n\n${met ? "Recovered." : "Not recovered."}\n`;
}
