import { dockerPlugin } from "./docker/plugin.ts";
import { servePlugin } from "./server.ts";

servePlugin(dockerPlugin);
