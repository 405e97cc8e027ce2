/** `npm run format`: prettier over the whole tree. */
import { join } from "node:path";
import { runAttached } from "./lib/exec.ts";
import { main } from "./lib/main.ts";
import { projectDir } from "./lib/paths.ts";

await main(() =>
  runAttached(
    process.execPath,
    [join(projectDir, "node_modules", "prettier", "bin", "prettier.cjs"), "--write", "--log-level", "warn", "."],
    { cwd: projectDir },
  ),
);
