import js from "@eslint/js";
import { defineConfig, globalIgnores } from "eslint/config";
import tseslint from "typescript-eslint";

/** Forbids relative imports whose path matches; test/layering.test.ts checks the same layers from where imports really lead. */
const forbid = (...layers) => ({
  "no-restricted-imports": [
    "error",
    { patterns: layers.map(([path, message]) => ({ regex: `^\\.{1,2}/${path}`, message })) },
  ],
});

const program = [
  ["(.*/)?runtime/(?!contract/index\\.ts$)", "The program shares only runtime/contract/index.ts with the images."],
  ["(.*/)?(offline|scripts)/", "Nothing in the program knows how the engine came here."],
  ["(.*/)?policy/", "The program does not know who judges it."],
];
const notUpwards = ["(\\.\\./)*(index|config)\\.ts$", "Imports flow one way: index → components → targets."];
const noTarget = ["(.*/)?targets/(?!(index|target)\\.ts$)", "Components never ask which target it is."];
const noTargetUser = ["\\.\\./(mcpServer|gateway)\\.ts$", "Targets know nothing of the components that use them."];

const forbidProperties = (...properties) => ({ "no-restricted-properties": ["error", ...properties] });
const stackSettings = { object: "pulumi", property: "Config", message: "Only config.ts reads stack settings." };
const environment = { object: "process", property: "env", message: "Only config.ts reads the environment." };

export default defineConfig(
  globalIgnores(["**/node_modules/", "test/golden/", "**/fixtures/", ".pulumi/"]),
  js.configs.recommended,
  {
    files: ["**/*.ts", "**/*.tsx"],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/consistent-type-imports": ["error", { disallowTypeAnnotations: false }],
      "@typescript-eslint/ban-ts-comment": ["error", { "ts-expect-error": true }],
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      // Numbers and booleans in messages need no String(); anything else does.
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
      "@typescript-eslint/no-confusing-void-expression": "off",
      // `asked && answer` reads as well as `answer` alone, and index access is typed as never undefined.
      "@typescript-eslint/no-unnecessary-condition": "off",
    },
  },
  { files: ["index.ts"], rules: { ...forbid(...program), ...forbidProperties(stackSettings, environment) } },
  { files: ["config.ts"], rules: forbid(...program) },
  {
    files: ["components/**/*.ts"],
    ignores: ["components/targets/**"],
    rules: { ...forbid(...program, notUpwards, noTarget), ...forbidProperties(stackSettings, environment) },
  },
  {
    files: ["components/targets/**/*.ts"],
    rules: { ...forbid(...program, notUpwards, noTargetUser), ...forbidProperties(stackSettings, environment) },
  },
  // These run in the provider's own process, where DOCKER_HOST and the cache folder are all there is.
  { files: ["components/providers/**/*.ts"], rules: forbidProperties(stackSettings) },
  {
    files: ["runtime/**/*.ts", "runtime/**/*.tsx"],
    rules: forbid(["(.*/)?(components|offline|scripts)/", "Images know nothing of the program that declares them."]),
  },
  {
    files: ["offline/**/*.ts"],
    rules: forbid(["(.*/)?(components|runtime)/", "The stand-ins serve any program."]),
  },
  {
    files: ["scripts/**/*.ts"],
    rules: forbid(
      ["(.*/)?(components|runtime)/", "Scripts start the engine; what is deployed is the program's."],
      ["(.*/)?policy/(?!config\\.ts$)", "Scripts hand settings to the policy pack; what it judges by is its own."],
    ),
  },
  {
    files: ["policy/**/*.ts"],
    rules: forbid(
      [
        "(.*/)?components/(?!naming\\.ts$)",
        "Policies judge what is declared, not by whom; they share the labels' names.",
      ],
      ["(.*/)?(runtime|offline|scripts)/", "Policies run with any engine, on what it shows them."],
    ),
  },
  // What the program accepts as settings, the suite of its gate, which version of it lies here: asked of the program itself.
  // And Docker is reached as it does, servers of its catalogue are tried as it runs them.
  {
    files: [
      "scripts/schema.ts",
      "scripts/smoke.ts",
      "scripts/catalogue.ts",
      "scripts/lib/catalogue/*.ts",
      "scripts/lib/docker.ts",
      "scripts/lib/estate.ts",
      "scripts/lib/rollback/program.ts",
      "scripts/lib/status/read.ts",
    ],
    rules: { "no-restricted-imports": "off" },
  },
);
