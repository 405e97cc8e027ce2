/**
 * `npm run schema`: writes docs/estate.schema.json, with which an editor completes and checks `Pulumi.STACK.yaml`.
 * Made from the schema that the program checks its settings with; descriptions are that source's own comments.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { format } from "prettier";
import ts from "typescript";
import { z } from "zod";
import { estateSettingsSchema } from "../components/estateConfig.ts";
import { REFERENCE_PATTERN, secretVariableSchema } from "../components/secretReferences.ts";
import { secretTextSchema } from "../components/serviceConfig.ts";
import { projectDir } from "./lib/paths.ts";
import { projectName } from "./lib/projectName.ts";

export const schemaFile = join(projectDir, "docs/estate.schema.json");

/** Where the settings' schema is written down, after what it takes from elsewhere. */
const SOURCES = [
  "runtime/contract/limits.ts",
  "components/policySettings.ts",
  "components/serviceConfig.ts",
  "components/gatewayCallers.ts",
  "components/limitSettings.ts",
  "components/serverMounts.ts",
  "components/serverProgram.ts",
  "components/serverConfig.ts",
  "components/coreServiceConfig.ts",
  "components/lambdaHostsConfig.ts",
  "components/existingHostsConfig.ts",
  "components/hostsConfig.ts",
  "components/swarmConfig.ts",
  "components/estateConfig.ts",
];
const ROOT = "estateSettingsSchema";

const ENCRYPTED = {
  type: "object",
  properties: { secure: { type: "string" } },
  required: ["secure"],
  additionalProperties: false,
};

type Json = Record<string, unknown>;

/** The JSON Schema of a whole stack file, as text. */
export async function estateJsonSchema(): Promise<string> {
  const settings = z.toJSONSchema(estateSettingsSchema, {
    io: "input",
    override: ({ jsonSchema, zodSchema }) => {
      delete jsonSchema.readOnly; // of the value in the program, not of the file
      // The engine writes the encrypted form into the file and gives the program the text.
      if (zodSchema === secretTextSchema) Object.assign(jsonSchema, ENCRYPTED);
      if (zodSchema === secretVariableSchema) {
        delete jsonSchema.type;
        Object.assign(jsonSchema, { anyOf: [ENCRYPTED, { type: "string", pattern: REFERENCE_PATTERN }] });
      }
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum; // says nothing to a person
    },
  }) as Json;
  describeProperties(settings, commentsOf(SOURCES));
  const prefix = `${projectName(projectDir)}:`;
  const keys = Object.entries(settings["properties"] as Json).map(([key, value]) => [`${prefix}${key}`, value]);
  const schema = {
    $schema: settings["$schema"],
    title: "Settings of one stack of an MCP estate (Pulumi.STACK.yaml)",
    type: "object",
    properties: {
      config: {
        type: "object",
        properties: Object.fromEntries(keys) as Json,
        required: (settings["required"] as string[]).map((key) => `${prefix}${key}`),
        // Keys of other namespaces are the engine's and its providers'.
        patternProperties: { [`^(?!${prefix})`]: {} },
        additionalProperties: false,
      },
    },
    required: ["config"],
  };
  return format(JSON.stringify(schema), { parser: "json", printWidth: 120 });
}

/** Doc comment by property, for each constant that holds a schema. */
type Comments = Map<string, ts.ObjectLiteralExpression>;

function commentsOf(files: readonly string[]): Comments {
  const found: Comments = new Map();
  for (const file of files) {
    const text = readFileSync(join(projectDir, file), "utf8");
    const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
    source.forEachChild((statement) => {
      if (!ts.isVariableStatement(statement)) return;
      for (const { name, initializer } of statement.declarationList.declarations) {
        const literal = initializer && firstLiteral(initializer, found);
        if (literal && ts.isIdentifier(name)) found.set(name.text, literal);
      }
    });
  }
  return found;
}

/** The object literal that an expression builds its schema from, directly or through another constant. */
function firstLiteral(node: ts.Node, known: Comments): ts.ObjectLiteralExpression | undefined {
  if (ts.isObjectLiteralExpression(node)) return node;
  if (ts.isIdentifier(node) && known.has(node.text)) return known.get(node.text);
  return ts.forEachChild(node, (child) => firstLiteral(child, known));
}

function describeProperties(schema: Json, comments: Comments): void {
  const literal = comments.get(ROOT);
  if (!literal) throw new Error(`${SOURCES.join(", ")}: no constant ${ROOT}`);
  describe(schema, literal, comments);
}

function describe(schema: Json, literal: ts.ObjectLiteralExpression, comments: Comments): void {
  // Of several forms only one has keys, and the literal is its.
  for (const form of (schema["anyOf"] ?? []) as Json[]) describe(form, literal, comments);
  // Values of a record and items of a list have the shape of its literal.
  const items = schema["items"];
  if (typeof items === "object" && items !== null) describe(items as Json, literal, comments);
  const values = schema["additionalProperties"];
  if (typeof values === "object" && values !== null && !schema["properties"]) {
    describe(values as Json, literal, comments);
    return;
  }
  const properties = (schema["properties"] ?? {}) as Record<string, Json>;
  for (const member of literal.properties) {
    const property = member.name && properties[member.name.getText()];
    if (!property || !ts.isPropertyAssignment(member)) continue;
    const comment = ts
      .getJSDocCommentsAndTags(member)
      .filter(ts.isJSDoc)
      .map((doc) => ts.getTextOfJSDocComment(doc.comment))
      .join(" ");
    if (comment) property["description"] = comment.replace(/\s+/g, " ");
    const inner = firstLiteral(member.initializer, comments);
    if (inner) describe(property, inner, comments);
  }
}

if (import.meta.main) writeFileSync(schemaFile, await estateJsonSchema());
