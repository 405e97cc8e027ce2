/**
 * `npm run check`: prettier, eslint, tsc and the search for secrets side by side, the audit of the production
 * dependencies, then the unit tests. Exit code 1 when any of them finds fault.
 */
import { join } from "node:path";
import { inWords, readAudit } from "./lib/audit.ts";
import { consent } from "./lib/ask.ts";
import { ensureDocker } from "./lib/docker.ts";
import { capture } from "./lib/exec.ts";
import { duration, sayer, type Say } from "./lib/log.ts";
import { main } from "./lib/main.ts";
import { projectDir } from "./lib/paths.ts";
import { prepareEngine } from "./lib/prepare.ts";
import { stopDaemon } from "./lib/stopDaemon.ts";
import { selectTests } from "./lib/testFiles.ts";
import { runMocha, totals } from "./lib/testRun.ts";

const checks: [name: string, program: string, ...args: string[]][] = [
  ["prettier", "prettier/bin/prettier.cjs", "--check", "--log-level", "warn", "."],
  ["eslint", "eslint/bin/eslint.js", "--max-warnings", "0", "."],
  ["tsc", "typescript/bin/tsc", "--noEmit", "--pretty", "false"],
  ["tsc of the page", "typescript/bin/tsc", "--noEmit", "--pretty", "false", "--project", "runtime/monitor/page"],
  // Globs leave out what begins with a dot, and .gitignore's own.
  ["secretlint", "secretlint/bin/secretlint.js", "**/*", ".*", ".ci/*", ".github/**/*"],
];

async function findsNoFault([name, program, ...args]: (typeof checks)[number], say: Say): Promise<boolean> {
  const started = Date.now();
  const { code, stdout, stderr } = await capture(
    process.execPath,
    [join(projectDir, "node_modules", program), ...args],
    { cwd: projectDir },
  );
  say(`${name} ${code === 0 ? "finds no fault" : "finds fault"} (${duration(Date.now() - started)})`);
  if (code !== 0) process.stdout.write(`${stdout}${stderr}\n`);
  return code === 0;
}

/** Of what is deployed and what deploys; no answer is no fault, as a registry may not have that endpoint. */
async function auditFindsNoFault(say: Say): Promise<boolean> {
  const { stdout } = await capture("npm", ["audit", "--omit=dev", "--json"], { cwd: projectDir, timeoutMs: 60_000 });
  const audit = readAudit(stdout || '{"message":"npm audit said nothing within 60 s"}');
  if (!audit.answered) say(`npm audit gets no answer: ${audit.why}`);
  else if (audit.found.length === 0) say("npm audit finds no fault");
  else say(`npm audit finds fault:\n${audit.found.map(inWords).join("\n")}`);
  return !audit.answered || audit.found.length === 0;
}

async function testsPass(say: Say): Promise<boolean> {
  const { unit } = selectTests(projectDir, []);
  const yes = consent(true);
  // Some of them are about the stand-ins for plugins, which the engine starts.
  const [{ env: engineEnv }, docker] = await Promise.all([
    prepareEngine({ stack: "dev", onMissingPassphrase: "leaveUnset", consent: yes }),
    ensureDocker({ say: sayer("docker"), consent: yes }),
  ]);
  const env = { ...process.env, PATH: engineEnv["PATH"] };
  try {
    const { passed, failed, lines } = totals([await runMocha({ files: unit, grep: undefined, env, cwd: projectDir })]);
    for (const line of lines) say(line);
    say(`unit tests: ${passed} passed, ${failed} failed`);
    return failed === 0;
  } finally {
    if (docker.pid !== undefined) await stopDaemon(docker.pid, sayer("docker"));
  }
}

await main(async () => {
  const say = sayer("check");
  const verdicts = await Promise.all([...checks.map((each) => findsNoFault(each, say)), auditFindsNoFault(say)]);
  return (await testsPass(say)) && verdicts.every(Boolean) ? 0 : 1;
});
