import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parse } from "yaml";
import { projectDir } from "../../../../scripts/lib/paths.ts";
import { writeSealed } from "../../../../scripts/lib/settings/seal.ts";
import { SecretValue, type Settings } from "../../../../scripts/lib/settings/tree.ts";
import { cleanUp, fakeProgram, temporaryFolder, write } from "../../support.ts";

/** Encrypts by writing backwards, as the engine would write it; `config` opens that again. */
const ENGINE = `
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { parse, stringify } from "${pathToFileURL(join(projectDir, "node_modules/yaml/dist/index.js")).href}";
const args = process.argv.slice(2);
const after = (name) => args[args.indexOf(name) + 1];
appendFileSync(process.env.CALLS, args.join(" ") + "\\n");
const backwards = (text) => [...text].reverse().join("");
const file = parse(readFileSync(after("--config-file"), "utf8"));
if (args[1] === "set") {
  if (process.env.REFUSES) { console.error("error: no such key"); process.exit(1); }
  const [key, ...rest] = after("--path").match(/^[\\w-]+:[\\w-]+|\\["(?:[^"\\\\]|\\\\.)*"\\]|\\[\\d+\\]/g);
  const path = [key, ...rest.map((step) => JSON.parse(step)[0])];
  const last = path.pop();
  const holder = path.reduce((tree, step) => tree[step], file.config);
  holder[last] = { secure: backwards(readFileSync(0, "utf8")) };
  writeFileSync(after("--config-file"), stringify(file));
} else {
  const open = (tree) => typeof tree !== "object" || tree === null ? tree : typeof tree.secure === "string" ? backwards(tree.secure)
    : Array.isArray(tree) ? tree.map(open) : Object.fromEntries(Object.entries(tree).map(([key, value]) => [key, open(value)]));
  const shown = Object.entries(file.config).map(([key, value]) => {
    const opened = open(value);
    return [key, typeof opened === "object" ? { value: JSON.stringify(opened), objectValue: opened } : { value: String(opened) }];
  });
  console.log(JSON.stringify(Object.fromEntries(shown)));
}
`;

describe("the generated stack file (R-SEC-03)", () => {
  afterEach(cleanUp);

  function engine(variables: Record<string, string> = {}) {
    const folder = temporaryFolder();
    const script = write(folder, "engine.mjs", ENGINE);
    const file = fakeProgram(folder, "pulumi", `exec ${process.execPath} ${script} "$@"`);
    const calls = write(folder, "calls", "");
    const env = { ...process.env, CALLS: calls, ...variables };
    const target = join(folder, "Pulumi.x.yaml");
    const seal = async (settings: Settings, last?: Settings) => {
      const prepared = { engine: { file, official: false, version: "0" }, env } as unknown as Parameters<
        typeof writeSealed
      >[3]["prepared"];
      await writeSealed(target, { encryptionsalt: "v1:x" }, settings, { prepared, stack: "x", folder, last });
      return parse(readFileSync(target, "utf8")) as { config: Settings; encryptionsalt: string };
    };
    return { seal, calls: () => readFileSync(calls, "utf8"), target };
  }

  const settings: Settings = {
    "a:plain": 5,
    "a:top": new SecretValue("pot"),
    "a:map": { 'we"ird.key': [{ b: new SecretValue("yranac") }], plain: true },
  };

  it("has each secret encrypted by the engine, over standard input, wherever it stands", async () => {
    const { seal, calls, target } = engine();
    assert.deepEqual(await seal(settings), {
      encryptionsalt: "v1:x",
      config: {
        "a:plain": 5,
        "a:top": { secure: "top" },
        "a:map": { 'we"ird.key': [{ b: { secure: "canary" } }], plain: true },
      },
    });
    assert.doesNotMatch(calls(), /pot|yranac/);
    assert.match(calls(), /--config-file .*Pulumi\.x\.yaml --stack x --non-interactive/);
    assert.equal(statSync(target).mode & 0o777, 0o600);
  });

  it("keeps the ciphertext of a value that the last version had, and makes a new one of a changed value", async () => {
    const { seal, calls } = engine();
    const last = { "a:top": { secure: "top" }, "a:map": { 'we"ird.key': [{ b: { secure: "other" } }] } };
    await seal(settings, last);
    assert.deepEqual(calls().match(/config set/g)?.length, 1);
    assert.match(calls(), /--path a:map\["we\\"ird\.key"\]\[0\]\["b"\]/);
  });

  it("asks nothing of the engine where there is no secret", async () => {
    const { seal, calls } = engine();
    await seal({ "a:plain": 5 }, { "a:top": { secure: "top" } });
    assert.equal(calls(), "");
  });

  it("is refused with the engine's reason, by path and without the value", async () => {
    const { seal } = engine({ REFUSES: "yes" });
    await assert.rejects(
      seal({ "a:top": new SecretValue("pot") }),
      /^UserError: a:top cannot be encrypted: error: no such key$/,
    );
  });
});
