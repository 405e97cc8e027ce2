import type { GatewayAnswer, GatewayQuestion } from "../../../components/providers/smoke/gatewayClient.ts";
import type { TestEstate } from "../testEstate.ts";
import { Search, type Find, type Piece, type Planted } from "./search.ts";
import type { Watch } from "./watch.ts";

/** A place where a secret could end up in clear. */
export interface HidingPlace {
  name: string;
  /** Puts something there on purpose, so that a search that finds nothing is worth something. */
  leak(): Promise<Leak>;
  read(): AsyncIterable<Piece> | Iterable<Piece>;
}

export interface Leak {
  /** What must be found. */
  canary: string;
  /** Takes it away again. @default it stays: the place goes with the estate */
  undo?: () => Promise<unknown>;
}

/** What the places are places of. */
export interface Scene {
  estate: TestEstate;
  watch: Watch;
  /** A server's name and a setting that is no secret: they stand in clear wherever settings can get to. */
  open: { server: string; setting: string };
  /** Component whose container has its secrets in Docker's own settings, because its image takes them in no other way. */
  service: string;
  /** Command → what it has printed, commands that were run twice included. */
  printed: { command: string; output: string }[];
  /** Runs a command under watch and keeps what it prints. */
  run: (command: string, ...args: string[]) => Promise<string>;
  /** Asks the gateway with its owner's token. */
  ask: (path: string, question?: Partial<GatewayQuestion> & { token?: string }) => Promise<GatewayAnswer>;
  /** A token that was taken away. */
  formerToken: () => string;
}

/** What was looked for and found there, but for what a holder has by design. */
export async function findAt(place: HidingPlace, values: readonly Planted[]): Promise<Find[]> {
  const search = new Search(values);
  const finds: Find[] = [];
  for await (const piece of place.read()) finds.push(...(await search.findIn(piece)));
  return finds.filter(({ planted, piece }) => planted.heldBy === undefined || planted.heldBy !== piece.holder);
}
