/** What an estate can have beside its servers with one word: name of the kind → what is known of it. */
import { chromadb } from "./chromadb.ts";
import type { CoreServiceKind } from "./kind.ts";
import { postgresql } from "./postgresql.ts";
import { rabbitmq } from "./rabbitmq.ts";
import { redis } from "./redis.ts";

export { DATA_PATH, type CoreServiceKind } from "./kind.ts";

export const coreServiceKinds: ReadonlyMap<string, CoreServiceKind> = new Map(
  [chromadb, postgresql, rabbitmq, redis].map((kind) => [kind.name, kind]),
);
