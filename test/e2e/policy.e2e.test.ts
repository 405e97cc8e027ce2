import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { PackConfig } from "../../policy/config.ts";
import { rules } from "../../policy/rules/index.ts";
import { readEvents } from "../../scripts/lib/engineEvents.ts";
import { capture } from "../../scripts/lib/exec.ts";
import { projectDir } from "../../scripts/lib/paths.ts";
import { packArgs } from "../../scripts/lib/policies/pack.ts";
import { violationsIn, type Violation } from "../../scripts/lib/policies/violations.ts";
import { prepareEngine, type Prepared } from "../../scripts/lib/prepare.ts";
import { TestEstate } from "./testEstate.ts";

const PROJECT = "policed";
const STACK = "test";

describe("Policies, through the real engine (R-SEC-10)", function () {
  this.timeout(120_000);
  let folder = "";
  let prepared: Prepared;
  let found: Violation[] = [];

  /** Previews one of the programs, whose providers need the project's folders beside them. */
  async function preview(program: string, pack: readonly string[]) {
    const log = join(folder, "events.json");
    rmSync(log, { force: true });
    writeFileSync(join(folder, "index.ts"), `import "./${program}.ts";\n`);
    const args = ["preview", "--stack", STACK, "--non-interactive", "--event-log", log, ...pack];
    const { code, stdout, stderr } = await capture(prepared.engine.file, args, {
      cwd: folder,
      env: { ...prepared.env, PULUMI_DEBUG_COMMANDS: "true" },
    });
    const violations = violationsIn(
      existsSync(log) ? readEvents(readFileSync(log, "utf8")) : [],
      `${PROJECT}-${STACK}-`,
    );
    return { code, violations, output: stdout + stderr };
  }
  const policed = async (program: string, config: PackConfig) => preview(program, await packArgs(config));
  const rows = (violations: readonly Violation[]) =>
    violations.map(({ policy, resource, why }) => `${policy} ${resource}: ${why}`).sort();

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "mcp-estate-policy-"));
    cpSync(join(projectDir, "test/fixtures/policy"), folder, { recursive: true });
    for (const shared of ["components", "runtime", "node_modules"])
      symlinkSync(join(projectDir, shared), join(folder, shared));
    writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
    writeFileSync(
      join(folder, "Pulumi.yaml"),
      `name: ${PROJECT}\nmain: index.ts\nruntime: { name: nodejs, options: { typescript: false } }\n`,
    );
    const own = {
      PULUMI_BACKEND_URL: `file://${folder}`,
      PULUMI_CONFIG_PASSPHRASE: "x",
      PULUMI_HOME: join(folder, ".pulumi-home"),
    };
    prepared = await prepareEngine({ stack: STACK, project: folder, env: { ...process.env, ...own } });
    await promisify(execFile)(prepared.engine.file, ["stack", "init", STACK], { cwd: folder, env: prepared.env });
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it("finds each violation of the violating program, and refuses it", async () => {
    const { code, violations, output } = await policed("violating", { production: true });
    found = violations;
    assert.notEqual(code, 0, output);
    assert.ok(violations.every(({ todo }) => todo !== ""));
  });

  it("finds something of every policy there is, each with the severity that it has", () => {
    assert.deepEqual(
      Object.fromEntries(found.map(({ policy, severity }) => [policy, severity])),
      Object.fromEntries(rules.map(({ name, severity }) => [name, severity])),
    );
  });

  it("shows no secret", () => {
    assert.doesNotMatch(JSON.stringify(found), /ghp_|correct horse|hunter two|9f8Kq2/);
  });

  it("lets through what is exempted, refuses what has ended or says too little, and tells what nobody needs", async () => {
    const exemption = (policy: string, resource: string, until = "9999-12-31", reason = "TLS ends on the balancer") => {
      return { policy, resource, until, reason };
    };
    const exemptions = [
      exemption("no-public-bind", "published"),
      exemption("limits", "swaps", "2026-01-31"),
      exemption("process-limit", "no-pids"),
      exemption("no-privileged", "admin", "9999-12-31", " "),
      exemption("labels", "published"),
      exemption("label", "strange"),
    ];
    const { code, violations } = await policed("violating", { production: true, exemptions });
    assert.notEqual(code, 0);
    const before = rows(found);
    const now = rows(violations);
    assert.deepEqual(
      before.filter((row) => !now.includes(row)),
      [
        "no-public-bind published: host port 8080 on 0.0.0.0, without TLS",
        "process-limit no-pids: no ProcessLimit with a pids limit refers to it",
      ],
    );
    assert.deepEqual(
      now.filter((row) => !before.includes(row)),
      [
        "exemptions stack: exemption of admin from no-privileged: it gives no reason",
        'exemptions stack: exemption of strange from label: there is no policy "label"',
        "exemptions stack: exemption of swaps from limits: it ended on 2026-01-31",
        "unused-exemptions stack: exemption of published from labels: nothing is exempted by it",
      ],
    );
  });

  it("says the same through the language host, as pulumi preview --policy-pack policy does; data may be lost in a stack that is not production", async () => {
    const { violations, output } = await preview("violating", ["--policy-pack", join(projectDir, "policy")]);
    assert.deepEqual(
      rows(found).filter((row) => !rows(violations).includes(row)),
      ["protected-volumes data: an update may remove it"],
      output,
    );
  });

  it("has nothing against the passing program", async () => {
    const { code, violations, output } = await policed("passing", { production: true });
    assert.deepEqual(rows(violations), []);
    assert.equal(code, 0, output);
  });
});

describe("npm run preview and npm run up under policies (R-SEC-10)", function () {
  this.timeout(120_000);
  const token = `ghp_${"a1B2c3D4e5".repeat(4)}`;
  const estate = new TestEstate("e2epolicy", {
    config: { "mcp-estate:servers": { fetch: { env: { GITHUB_TOKEN: token } } } },
  });
  const exempt = (until: string) =>
    estate.configure((config) => {
      const exemption = { policy: "no-secret-in-clear", resource: "fetch", reason: "it is a test's own", until };
      config["mcp-estate:policy"] = { exemptions: [exemption] };
    });

  before(() => estate.create());
  after(() => estate.dispose());

  it("refuse the update before anything is made", async () => {
    const { code, output } = await estate.command("up", ["--yes"]);
    assert.equal(code, 1, output);
    assert.match(
      output,
      /no-secret-in-clear +fetch +environment GITHUB_TOKEN looks like a GitHub token\n +→ take it out of env/,
    );
    assert.ok(!output.includes(token));
    assert.deepEqual([await estate.containers(), await estate.networks(), await estate.volumes()], [[], [], []]);
  });

  it("take an exemption from the stack file until its last day, and refuse it from then on", async () => {
    exempt("9999-12-31");
    const { output } = await estate.succeed("preview");
    assert.match(output, /\nNo policy is violated\.\n/);

    exempt("2026-01-31");
    const ended = await estate.command("preview");
    assert.equal(ended.code, 1, ended.output);
    assert.match(ended.output, /exemption of fetch from no-secret-in-clear: it ended on 2026-01-31/);
    assert.match(ended.output, /no-secret-in-clear +fetch/);
  });
});
