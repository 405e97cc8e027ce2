import { randomPlugin } from "./random/plugin.ts";
import { servePlugin } from "./server.ts";

servePlugin(randomPlugin);
