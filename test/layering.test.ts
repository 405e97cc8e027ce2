import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import ts from "typescript";

/** The layers of docs: who must not import whom. eslint.config.js says the same of the written paths, this of where they lead. */
interface Rule {
  layer: string;
  from: RegExp;
  mustNotImport: RegExp;
}

const rules: Rule[] = [
  {
    layer: "the program shares only runtime/contract/index.ts with the images",
    from: /^(index|config)\.ts$|^components\//,
    mustNotImport: /^runtime\/(?!contract\/index\.ts$)/,
  },
  {
    layer: "the program does not know how the engine came here",
    from: /^(index|config)\.ts$|^components\//,
    mustNotImport: /^(offline|policy|scripts|test)\//,
  },
  { layer: "components know neither index nor config", from: /^components\//, mustNotImport: /^(index|config)\.ts$/ },
  {
    layer: "components never ask which target it is",
    from: /^components\/(?!targets\/)/,
    mustNotImport: /^components\/targets\/(?!(index|target)\.ts$)/,
  },
  {
    layer: "targets know nothing of the components that use them",
    from: /^components\/targets\//,
    mustNotImport: /^components\/(mcpServer|gateway)\.ts$/,
  },
  {
    layer: "images stand alone",
    from: /^runtime\//,
    mustNotImport: /^(components|offline|policy|scripts|test|index|config)\b/,
  },
  {
    layer: "stand-ins serve any program",
    from: /^offline\//,
    mustNotImport: /^(components|policy|runtime|test|index|config)\b/,
  },
  {
    layer: "policies share the names of labels with the program and nothing else",
    from: /^policy\//,
    mustNotImport: /^(components\/(?!naming\.ts$)|(offline|runtime|scripts|test)\/|(index|config)\.ts$)/,
  },
  {
    layer: "scripts hand settings to the policy pack, and know no more of it",
    from: /^scripts\//,
    mustNotImport: /^policy\/(?!config\.ts$)/,
  },
  {
    layer: "scripts start the engine and deploy nothing themselves",
    // What measures deploys like a test, the lab is the tests' own; eight ask the program about itself, or as it does.
    from: /^scripts\/(?!bench\/|(catalogue|lab|schema|smoke|lib\/(catalogue\/\w+|docker|estate|rollback\/program|status\/read))\.ts$)/,
    mustNotImport: /^(components|runtime|test|index|config)\b/,
  },
];

const project = dirname(import.meta.dirname);
const sources = [
  "*.ts",
  "components/**/*.ts",
  "runtime/**/*.ts",
  "runtime/**/*.tsx",
  "offline/**/*.ts",
  "policy/**/*.ts",
  "scripts/**/*.ts",
].flatMap((pattern) => globSync(pattern, { cwd: project, exclude: ["**/node_modules/**"] }));

describe("layering", () => {
  const imports = sources.flatMap((file) => importsOf(file).map((imported) => ({ file, imported })));

  for (const { layer, from, mustNotImport } of rules) {
    it(layer, () => {
      const wrong = imports
        .filter(({ file, imported }) => from.test(file) && mustNotImport.test(imported))
        .map(({ file, imported }) => `${file} imports ${imported}`);
      assert.deepEqual(wrong, []);
    });
  }

  it("only config.ts reads stack settings, and within the program only it and the providers the environment", () => {
    const program = sources.filter((file) => file === "index.ts" || file.startsWith("components/"));
    const readers = program.filter((file) => {
      const text = readFileSync(join(project, file), "utf8");
      const environment = /\bprocess\.env\b/.test(text) && !file.startsWith("components/providers/");
      return environment || /\bnew\s+(pulumi\.)?Config\b/.test(text);
    });
    assert.deepEqual(readers, []);
  });

  it("looks at real files", () => {
    assert.ok(sources.includes(join("components", "gateway.ts")));
    assert.ok(imports.some(({ file, imported }) => file === "index.ts" && imported === "config.ts"));
  });
});

/** Project files that a file imports or re-exports, types and `import()` included. */
function importsOf(file: string): string[] {
  const { importedFiles } = ts.preProcessFile(readFileSync(join(project, file), "utf8"), true, true);
  return importedFiles
    .map(({ fileName }) => fileName)
    .filter((specifier) => specifier.startsWith("."))
    .map((specifier) => relative(project, join(project, dirname(file), specifier)));
}
