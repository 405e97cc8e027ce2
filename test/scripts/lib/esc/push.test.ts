import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { filledIn, pushEnvironment } from "../../../../scripts/lib/esc/push.ts";
import { cleanUp, fakeProgram, temporaryFolder, write } from "../../support.ts";

const DEFINITION = `# who may
imports:
  - mcp-estate/base # shared
values:
  token:
    fn::secret: TOKEN
  list:
    - { a: { fn::secret: OTHER } }
  pulumiConfig: { "x:y": "\${token}" }
`;
const THERE = `values:
  token: { fn::secret: { ciphertext: old1 } }
  list: [{ a: { fn::secret: { ciphertext: old2 } } }]
`;

describe("environments written to Pulumi Cloud (R-SEC-01)", () => {
  afterEach(cleanUp);

  /** Stands for the CLI: keeps what it is told, as files. @param there text of the definition that it has already */
  function cloud(there?: string) {
    const folder = temporaryFolder();
    if (there !== undefined) write(folder, "there", there);
    const program = fakeProgram(
      folder,
      "pulumi",
      `cd ${folder}; echo "$*" >>calls
       case "$2" in
         get) if [ -f there ]; then cat there; else echo "error: [404] Not Found: environment not found" >&2; exit 1; fi ;;
         *) cat >written; if grep -q REFUSED written; then echo "error: bad definition" >&2; exit 1; fi ;;
       esac`,
    );
    const read = (name: string) => (existsSync(join(folder, name)) ? readFileSync(join(folder, name), "utf8") : "");
    const push = (secrets: Record<string, string>, definition = DEFINITION) =>
      pushEnvironment({
        program,
        env: process.env,
        name: "org/mcp-estate/prod",
        definition,
        secrets: new Map(Object.entries(secrets)),
      });
    return { push, read };
  }

  it("makes one that is not there, values over standard input alone, the rest as it is written", async () => {
    const { push, read } = cloud();
    const pushed = await push({ TOKEN: "canary: 1\nline", OTHER: "other" });
    assert.deepEqual(pushed, { isNew: true, sent: ["TOKEN", "OTHER"], kept: [] });
    assert.equal(
      read("calls"),
      "env get org/mcp-estate/prod --definition --non-interactive\nenv init org/mcp-estate/prod --file - --non-interactive\n",
    );
    assert.deepEqual(parse(read("written")), {
      imports: ["mcp-estate/base"],
      values: {
        token: { "fn::secret": "canary: 1\nline" },
        list: [{ a: { "fn::secret": "other" } }],
        pulumiConfig: { "x:y": "${token}" },
      },
    });
    assert.match(read("written"), /# who may/);
  });

  it("edits one that is there, and keeps the encrypted value of a secret that this machine has not", async () => {
    const { push, read } = cloud(THERE);
    assert.deepEqual(await push({ TOKEN: "new" }), { isNew: false, sent: ["TOKEN"], kept: ["OTHER"] });
    assert.match(read("calls"), /^env edit org\/mcp-estate\/prod --file - --non-interactive$/m);
    const { values } = parse(read("written")) as { values: Record<string, unknown> };
    assert.deepEqual(
      [values["token"], values["list"]],
      [{ "fn::secret": "new" }, [{ a: { "fn::secret": { ciphertext: "old2" } } }]],
    );
  });

  it("R-SEC-04: changes nothing where a secret has no value anywhere, and names it", async () => {
    const { push, read } = cloud();
    await assert.rejects(
      push({ TOKEN: "x" }),
      /"org\/mcp-estate\/prod" names OTHER, which has a value neither here nor/,
    );
    assert.equal(read("written"), "");
  });

  it("says the CLI's reason, without a value", async () => {
    const { push } = cloud();
    await assert.rejects(push({ TOKEN: "REFUSED canary", OTHER: "x" }), (error: Error) => {
      assert.match(error.message, /^environment "org\/mcp-estate\/prod" cannot be written: error: bad definition$/);
      return true;
    });
    const program = fakeProgram(temporaryFolder(), "pulumi", 'echo "error: not logged in" >&2; exit 1');
    const options = { program, env: process.env, name: "a/b", definition: "{}", secrets: new Map<string, string>() };
    await assert.rejects(pushEnvironment(options), /does not tell of environment "a\/b": error: not logged in/);
  });

  it("leaves a definition without secrets as it is", () => {
    const text = "values:\n  a: 1 # one\n";
    assert.equal(filledIn(text, { name: "a", secrets: new Map(), there: undefined }).text, text);
  });
});
