import { setTimeout as sleep } from "node:timers/promises";
import type Docker from "dockerode";
import { z } from "zod";
import type { CatalogueEntry } from "../../../components/catalogue/index.ts";
import { resolveEstate } from "../../../components/estateConfig.ts";
import { imageTag, serverRecipe } from "../../../components/imageRecipe.ts";
import { recipeArgsOf } from "../../../components/mcpServer.ts";
import { ensureImage } from "../../../components/providers/images/build.ts";
import type { Say } from "../log.ts";
import { ClosedContainer } from "./closedContainer.ts";
import type { Row } from "./row.ts";

/** An account of its own: images of estates have others. */
const USER = 999_999;
const START_MS = 90_000;
const POLL_MS = 100;
const IDLE_MS = 3000;
/** Starts every server that wants to be given one: none of them is asked for anything that it would show it for. */
const DUMMY = "dummy-for-its-start";

const readySchema = z.object({ state: z.string(), reason: z.string().nullish() });

/**
 * Builds a server's image, starts it without any network under its entry's limits, and has it prove itself.
 * @throws Error when the image cannot be built.
 */
export async function verify(docker: Docker, entry: CatalogueEntry, say: Say): Promise<Row> {
  const secretEnv = Object.fromEntries(Object.keys(entry.needs ?? {}).map((variable) => [variable, DUMMY]));
  const alone = new Map([[entry.name, entry]]);
  const [server] = resolveEstate({ servers: { [entry.name]: { secretEnv } } }, alone).servers;
  if (server === undefined) throw new Error(`${entry.name} cannot be declared`);
  const recipe = serverRecipe({ ...recipeArgsOf(entry), name: entry.name, user: USER });
  const tag = imageTag(recipe);
  const asked = performance.now();
  const { built } = await ensureImage({ tag, recipe, labels: {} }, { log: say });
  const buildMs = built.length === 0 ? 0 : Math.round(performance.now() - asked);
  const container = await ClosedContainer.create(docker, tag, USER, server);
  try {
    const began = performance.now();
    await container.start();
    const outcome = await firstAnswer(container, began);
    const startMs = Math.round(performance.now() - began);
    await sleep(IDLE_MS);
    const { mebibytes: idleMiB } = await container.use();
    const tools = await toolsOf(container);
    return {
      name: entry.name,
      package: `${entry.package.name} ${entry.package.version}`,
      ...judged(entry, outcome),
      ...{ tools, buildMs, startMs, idleMiB: rounded(idleMiB), peakMiB: rounded(container.peak.mebibytes) },
      ...{ memoryLimitMiB: server.limits.memoryMiB, peakTasks: container.peak.tasks, pidsLimit: server.limits.pids },
    };
  } finally {
    await container.remove();
  }
}

/** Waits for it. @returns why there is no good answer, if there is none. */
async function firstAnswer(container: ClosedContainer, began: number): Promise<string | undefined> {
  let last = "it says nothing";
  while (performance.now() - began < START_MS) {
    const text = await container.ask("/ready");
    const parsed = text === undefined ? undefined : readySchema.safeParse(json(text)).data;
    if (parsed?.state === "healthy") return undefined;
    if (parsed !== undefined) last = `${parsed.state}: ${parsed.reason ?? ""}`;
    if (parsed?.state === "crash-loop" || !(await container.isRunning())) break;
    await sleep(POLL_MS);
  }
  return `${last}; ${(await container.log()).slice(-1000)}`;
}

function judged({ proof, listsOnly }: CatalogueEntry, fault: string | undefined): Pick<Row, "result" | "detail"> {
  if (fault !== undefined) return { result: "failed", detail: fault };
  if (proof !== undefined) return { result: "proved", detail: proof.tool };
  return { result: "lists", detail: listsOnly ?? "" };
}

async function toolsOf(container: ClosedContainer): Promise<number> {
  const listed = z.object({ tools: z.array(z.unknown()) }).safeParse(json((await container.ask("/list/tools")) ?? ""));
  return listed.data?.tools.length ?? 0;
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const rounded = (value: number): number => Math.round(value * 10) / 10;
