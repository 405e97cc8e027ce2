/**
 * Stands in for `pulumi-resource-pulumi-nodejs`: dynamic resources are served by @pulumi/pulumi itself, this only finds
 * the copy that the program uses. The engine starts it in the program's folder, which is where the search begins.
 */
import { createRequire } from "node:module";
import path from "node:path";
import "./languageHost/lazyModules.ts";
import { pulumiModule } from "./languageHost/packages.ts";
import { endWithEngine } from "./plugins/endWithEngine.ts";

const provider = pulumiModule(path.join("cmd", "dynamic-provider"), process.cwd());
createRequire(path.join(process.cwd(), "index.js"))(provider);
// It has no such end of its own: an engine that was killed left it running for ever.
endWithEngine();
