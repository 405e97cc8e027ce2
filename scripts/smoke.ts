/**
 * `npm run smoke`: the smoke gate's suite against what runs now. Exit code 0: all passed, 2: the printed table has
 * failures, 1: it could not be run. For a schedule; `--json` prints the report for programs.
 */
import { z } from "zod";
import { runSmoke, type SmokeSpec } from "../components/providers/smoke/suite.ts";
import { namesOnly } from "./lib/args.ts";
import { readOutputs } from "./lib/estate.ts";
import { capture } from "./lib/exec.ts";
import { duration, table } from "./lib/log.ts";
import { main } from "./lib/main.ts";
import { projectDir } from "./lib/paths.ts";
import { prepareEngine, type Prepared } from "./lib/prepare.ts";
import { requireStackFile } from "./lib/stackFile.ts";
import { stackArgs } from "./lib/stackHosts.ts";
import { UserError } from "./lib/userError.ts";

const FAILED = 2;
/** What runs has had its time to start. */
const TIMEOUT_SECONDS = 10;
const GATE = "pulumi-nodejs:dynamic/index:SmokeGate";

await main(async () => {
  const started = Date.now();
  const { stack, flags, rest } = stackArgs(process.argv.slice(2), ["json"]);
  namesOnly(rest, "--stack and --json");
  requireStackFile(projectDir, stack);
  const prepared = await prepareEngine({ stack });
  const outputs = await readOutputs(prepared, projectDir, stack);
  const spec = await deployedSuite(prepared, stack);
  if (outputs === undefined || spec === undefined) {
    throw new UserError(`stack "${stack}" has no smoke gate in its state: deploy it with npm run up first`);
  }
  const { checks } = await runSmoke({ ...spec, token: outputs.gatewayToken, timeoutSeconds: TIMEOUT_SECONDS });
  const passed = checks.filter((check) => check.passed).length;
  if (flags.has("json")) {
    process.stdout.write(`${JSON.stringify({ passed, total: checks.length, checks }, null, 2)}\n`);
  } else {
    const rows = checks.map(({ check, subject, passed: ok, detail }) => [
      ok ? "passed" : "FAILED",
      check,
      subject,
      detail,
    ]);
    const rate = Math.round((100 * passed) / Math.max(1, checks.length));
    process.stdout.write(`${table(["RESULT", "CHECK", "SUBJECT", "FOUND"], rows)}\n\n`);
    process.stdout.write(`${passed} of ${checks.length} passed (${rate} %) in ${duration(Date.now() - started)}.\n`);
  }
  return passed === checks.length ? 0 : FAILED;
});

/** What the gate of the deployed estate asked, from the state; the token in it stays encrypted. */
async function deployedSuite({ engine, env }: Prepared, stack: string): Promise<SmokeSpec | undefined> {
  const { code, stdout, stderr } = await capture(engine.file, ["stack", "export", "--stack", stack], {
    cwd: projectDir,
    env,
  });
  if (code !== 0) throw new UserError(`the state of stack "${stack}" cannot be read: ${stderr.trim()}`);
  const state = z
    .object({
      deployment: z.object({
        resources: z
          .array(z.looseObject({ type: z.string(), inputs: z.record(z.string(), z.unknown()).optional() }))
          .default([]),
      }),
    })
    .parse(JSON.parse(stdout));
  const gate = state.deployment.resources.find(({ type }) => type === GATE);
  return gate?.inputs as SmokeSpec | undefined;
}
