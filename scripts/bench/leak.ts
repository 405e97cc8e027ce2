/**
 * Does anything stay behind? Ten thousand sessions that are dropped without a word, a thousand of them in mid-call,
 * servers that are killed, ignore TERM or have grandchildren, streams that nobody reads. The first thousand cycles also
 * for others. Writes docs/results/leak.md and fails when something did.
 *
 * `npm run bench:leak -- [--share 1]` does that share of it.
 */
import { parseArgs } from "node:util";
import { setTimeout as sleep } from "node:timers/promises";
import { compare, fixtureCommand, runCycles, runLeak, sizeOf, type LeakFigures } from "./leakRun.ts";
import { installPeers, PEERS, startPeer, stopPeer } from "./peers.ts";
import { Circumstances, markdownTable, writeResult } from "./results.ts";

const { values } = parseArgs({ options: { share: { type: "string", default: "1" } } });
const part = (whole: number): number => Math.ceil(whole * Number(values.share));
const PLAN = {
  cycles: part(10_000),
  cuts: part(1000),
  kills: part(200),
  ignoring: part(50),
  forking: part(20),
  streams: part(100),
};
/** supergateway starts a server per session and keeps it: beyond this many cycles it would fill the machine. */
const PEER_CYCLES = { "mcp-proxy": part(1000), supergateway: part(60) } as const;
/** Descriptors and memory may be this much above the start. */
const MARGIN = 1.1;

/** What is left of a peer after its cycles; undefined when it stopped answering. */
async function peerFigures(name: keyof typeof PEER_CYCLES): Promise<{ figures: LeakFigures; note: string }> {
  const peer = await startPeer(name, fixtureCommand("good"));
  const pid = peer.process.pid ?? 0;
  try {
    await runCycles({ url: peer.url }, 20, 2);
    await sleep(2000);
    const before = sizeOf(pid);
    const cycles = PEER_CYCLES[name];
    const note = await runCycles({ url: peer.url }, cycles, cycles / 10).then(
      () => `${cycles} cycles`,
      (error: unknown) =>
        `gave up within ${cycles} cycles: ${error instanceof Error ? error.message.slice(0, 80) : ""}`,
    );
    await sleep(5000);
    return { figures: compare(name, before, sizeOf(pid)), note };
  } finally {
    stopPeer(peer);
  }
}

const row = (figures: LeakFigures, note: string): (string | number)[] => [
  figures.program,
  note,
  `${figures.processesBefore} → ${figures.processesAfter}`,
  figures.zombies,
  `${figures.filesBefore} → ${figures.filesAfter}`,
  `${figures.rssMiBBefore.toFixed(1)} → ${figures.rssMiBAfter.toFixed(1)}`,
];

const circumstances = new Circumstances();
installPeers();
const ours = await runLeak(PLAN);
const peers = [];
for (const name of PEERS) peers.push(await peerFigures(name));
const leaks = ours.filter(
  (one) =>
    one.processesAfter !== one.processesBefore ||
    one.zombies > 0 ||
    one.filesAfter > one.filesBefore * MARGIN ||
    one.rssMiBAfter > one.rssMiBBefore * MARGIN,
);
const table = markdownTable(
  ["program", "after", "processes", "zombies", "descriptors", "RSS MiB"],
  [...ours.map((figures) => row(figures, "all")), ...peers.map(({ figures, note }) => row(figures, note))],
);
await writeResult("leak", "npm run bench:leak", circumstances, [
  "# What stays behind",
  `${PLAN.cycles} cycles of connect, call and drop without a word through gateway and supervisor, ${PLAN.cuts} of them cut in ` +
    `mid-call; ${PLAN.kills} servers killed; ${PLAN.ignoring} sessions whose server ignores TERM, ${PLAN.forking} whose server has ` +
    `grandchildren; ${PLAN.streams} standing GET streams dropped. Before is after a warm-up, after is when all is quiet. Processes are the ` +
    "program's whole tree, descriptors and memory its own. The peers did their cycles only, with the same share of cuts.",
  table,
  leaks.length === 0
    ? "Nothing stayed: as many processes as configured, no zombie, descriptors and memory within 10 % of the start."
    : `Above the bound: ${leaks.map(({ program }) => program).join(", ")}.`,
]);
console.log(table);
process.exit(leaks.length === 0 ? 0 : 1);
