import type { CatalogueEntry } from "./entry.ts";
import { aiMemory } from "./aiMemory.ts";
import { asana } from "./asana.ts";
import { claudeFlow } from "./claudeFlow.ts";
import { codacy } from "./codacy.ts";
import { compass } from "./compass.ts";
import { context7 } from "./context7.ts";
import { ddg } from "./ddg.ts";
import { everything } from "./everything.ts";
import { extendedMemory } from "./extendedMemory.ts";
import { fetch } from "./fetch.ts";
import { figma } from "./figma.ts";
import { filesystem } from "./filesystem.ts";
import { git } from "./git.ts";
import { github } from "./github.ts";
import { http } from "./http.ts";
import { hubspot } from "./hubspot.ts";
import { knowledgeGraph } from "./knowledgeGraph.ts";
import { languageServer } from "./languageServer.ts";
import { linear } from "./linear.ts";
import { mcpSsh } from "./mcpSsh.ts";
import { memory } from "./memory.ts";
import { memoryBank } from "./memoryBank.ts";
import { notion } from "./notion.ts";
import { nxMcp } from "./nxMcp.ts";
import { playwright } from "./playwright.ts";
import { postgres } from "./postgres.ts";
import { puppeteer } from "./puppeteer.ts";
import { sequentialThinking } from "./sequentialThinking.ts";
import { slack } from "./slack.ts";
import { sqlite } from "./sqlite.ts";
import { taskRunner } from "./taskRunner.ts";
import { time } from "./time.ts";

export type { CatalogueEntry, CatalogueVolume } from "./entry.ts";
export { unavailable } from "./unavailable.ts";

/** Every MCP server that a stack can name. */
export const catalogue: ReadonlyMap<string, CatalogueEntry> = new Map(
  [
    aiMemory,
    asana,
    claudeFlow,
    codacy,
    compass,
    context7,
    ddg,
    everything,
    extendedMemory,
    fetch,
    figma,
    filesystem,
    git,
    github,
    http,
    hubspot,
    knowledgeGraph,
    languageServer,
    linear,
    mcpSsh,
    memory,
    memoryBank,
    notion,
    nxMcp,
    playwright,
    postgres,
    puppeteer,
    sequentialThinking,
    slack,
    sqlite,
    taskRunner,
    time,
  ].map((entry) => [entry.name, entry]),
);
