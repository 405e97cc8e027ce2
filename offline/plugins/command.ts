import { commandPlugin } from "./command/plugin.ts";
import { servePlugin } from "./server.ts";

servePlugin(commandPlugin);
