import assert from "node:assert/strict";
import { join } from "node:path";
import ts from "typescript";

/** Complete values; each snippet leaves one thing out. */
const LIMITS = {
  memoryMiB: "256",
  memoryReservationMiB: "64",
  cpus: "1",
  pids: "32",
  processes: "15",
  nofile: "{ soft: 1024, hard: 2048 }",
  nproc: "100",
};
const WORKLOAD = {
  component: '"memory"',
  hostname: '"memory"',
  image: '"sha256:0"',
  user: "100000",
  group: "100000",
  limits: "limits",
  networks: "[]",
  ports: "[]",
  mounts: "[]",
  scratchMiB: "{}",
  probe: '{ command: ["true"], intervalSeconds: 1, timeoutSeconds: 1, failures: 1, startSeconds: 1 }',
  contract: '"{}"',
  supervised: "true",
  newBesideOld: "true",
  stopSeconds: "10",
  onNewContract: '"reload"',
  secrets: "{}",
  closed: "true",
  hostPaths: "[]",
  knowsNode: "false",
  replicas: "1",
  placement: "undefined",
};
const HEADERS = {
  Limits: 'import type { Limits } from "../../runtime/contract/index.ts";',
  WorkloadSpec: `
    import type { WorkloadSpec } from "../../components/targets/index.ts";
    declare const limits: WorkloadSpec["limits"];
  `,
};

/** A constant of a type, written out, without one of its properties. */
function snippet(type: keyof typeof HEADERS, properties: Record<string, string>, without?: string): string {
  const written = Object.entries(properties).filter(([name]) => name !== without);
  const body = written.map(([name, value]) => `${name}: ${value}`).join(", ");
  return `${HEADERS[type]}\nexport const value: ${type} = { ${body} };`;
}

/** The compiler's messages for each snippet; all in one program, as the libraries are most of its work. */
function diagnose(snippets: ReadonlyMap<string, string>): Map<string, string[]> {
  const config = ts.readConfigFile("tsconfig.json", (file) => ts.sys.readFile(file));
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, process.cwd(), { types: ["node"] });
  const files = new Map([...snippets].map(([name, text]) => [join(import.meta.dirname, `${name}.snippet.ts`), text]));
  const host = ts.createCompilerHost(options);
  host.fileExists = (file) => files.has(file) || ts.sys.fileExists(file);
  host.readFile = (file) => files.get(file) ?? ts.sys.readFile(file);
  const program = ts.createProgram([...files.keys()], options, host);
  return new Map(
    [...files.keys()].map((file) => {
      const found = program.getSemanticDiagnostics(program.getSourceFile(file));
      return [
        file.slice(import.meta.dirname.length + 1, -".snippet.ts".length),
        found.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, " ")),
      ];
    }),
  );
}

describe("types of limits", function () {
  this.timeout(60_000);
  let messages = new Map<string, string[]>();

  before(() => {
    messages = diagnose(
      new Map([
        ["complete-limits", snippet("Limits", LIMITS)],
        ["complete-workload", snippet("WorkloadSpec", WORKLOAD)],
        ["workload-without-limits", snippet("WorkloadSpec", WORKLOAD, "limits")],
        ...Object.keys(LIMITS).map((name) => [`limits-without-${name}`, snippet("Limits", LIMITS, name)] as const),
      ]),
    );
  });

  it("a complete workload type-checks", () => {
    assert.deepEqual(messages.get("complete-limits"), []);
    assert.deepEqual(messages.get("complete-workload"), []);
  });

  it("R-LIM-01: a workload without limits does not type-check", () => {
    assert.match(messages.get("workload-without-limits")?.join() ?? "", /^Property 'limits' is missing/);
  });

  for (const name of Object.keys(LIMITS)) {
    it(`R-LIM-01: limits without ${name} do not type-check`, () => {
      const found = messages.get(`limits-without-${name}`)?.join() ?? "";
      assert.match(found, new RegExp(`^Property '${name}' is missing`));
    });
  }
});
