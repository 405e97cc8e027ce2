/** `npm run check`: prettier, eslint and tsc side by side, then the unit tests. Exit code 1 when any of them finds fault. */
import { join } from "node:path";
import { capture } from "./lib/exec.ts";
import { duration, sayer } from "./lib/log.ts";
import { main } from "./lib/main.ts";
import { projectDir } from "./lib/paths.ts";
import { selectTests } from "./lib/testFiles.ts";
import { runMocha, totals } from "./lib/testRun.ts";

const checks: [name: string, program: string, ...args: string[]][] = [
  ["prettier", "prettier/bin/prettier.cjs", "--check", "--log-level", "warn", "."],
  ["eslint", "eslint/bin/eslint.js", "--max-warnings", "0", "."],
  ["tsc", "typescript/bin/tsc", "--noEmit", "--pretty", "false"],
];

await main(async () => {
  const say = sayer("check");
  const verdicts = await Promise.all(
    checks.map(async ([name, program, ...args]) => {
      const started = Date.now();
      const { code, stdout, stderr } = await capture(
        process.execPath,
        [join(projectDir, "node_modules", program), ...args],
        { cwd: projectDir },
      );
      say(`${name} ${code === 0 ? "finds no fault" : "finds fault"} (${duration(Date.now() - started)})`);
      if (code !== 0) process.stdout.write(`${stdout}${stderr}\n`);
      return code === 0;
    }),
  );
  const { unit } = selectTests(projectDir, []);
  const { passed, failed, lines } = totals([
    await runMocha({ files: unit, grep: undefined, env: process.env, cwd: projectDir }),
  ]);
  for (const line of lines) say(line);
  say(`unit tests: ${passed} passed, ${failed} failed`);
  return failed === 0 && verdicts.every(Boolean) ? 0 : 1;
});
