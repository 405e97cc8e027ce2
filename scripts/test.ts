/**
 * `npm test`: all tests, unit tests first, then each end-to-end file in a process of its own, two at a time where they may.
 * The last line of its output is "N passed, N failed", from mocha's own events. Takes files, folders and --grep PATTERN.
 */
import { consent } from "./lib/ask.ts";
import { ensureDocker } from "./lib/docker.ts";
import { ensureBaseImageTool } from "./lib/dockerInstall.ts";
import { duration, sayer } from "./lib/log.ts";
import { main } from "./lib/main.ts";
import { projectDir } from "./lib/paths.ts";
import { prepareEngine } from "./lib/prepare.ts";
import { stopDaemon } from "./lib/stopDaemon.ts";
import { parseTestArgs, selectTests } from "./lib/testFiles.ts";
import { runMocha, runSideBySide, totals, type TestResult } from "./lib/testRun.ts";

/** One waits for Docker and the engine about half of its time. */
const LANES = 2;

await main(async () => {
  const started = Date.now();
  const { files, grep } = parseTestArgs(process.argv.slice(2));
  const { unit, endToEnd, alone } = selectTests(projectDir, files);
  const yes = consent(true);
  const say = sayer("docker");
  const [{ engine, env }, docker] = await Promise.all([
    prepareEngine({ stack: "dev", onMissingPassphrase: "leaveUnset", consent: yes }),
    ensureDocker({ say, consent: yes }),
  ]);
  if (!engine.official) await ensureBaseImageTool({ env, say, consent: yes });

  // Only the programs: with the backend and passphrase of this folder, a test's own stacks would land in its state.
  const testEnv = { ...process.env, PATH: env["PATH"] };
  const results: TestResult[] = [];
  try {
    const options = { grep, env: testEnv, cwd: projectDir };
    if (unit.length > 0) results.push(await runMocha({ ...options, files: unit }));
    for (const file of alone) results.push(await runMocha({ ...options, files: [file] }));
    if (endToEnd.length === 1) results.push(await runMocha({ ...options, files: endToEnd }));
    else results.push(...(await runSideBySide(endToEnd, LANES, options, sayer("test"))));
  } finally {
    if (docker.pid !== undefined) await stopDaemon(docker.pid, say);
  }

  const { passed, failed, pending, lines } = totals(results);
  process.stdout.write(`\n${lines.map((line) => `${line}\n`).join("")}`);
  process.stdout.write(`${pending > 0 ? `${pending} skipped. ` : ""}Took ${duration(Date.now() - started)}.\n`);
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  return failed === 0 ? 0 : 1;
});
