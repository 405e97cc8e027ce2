import { parseDocument } from "yaml";
import { messageOf, UserError } from "../userError.ts";
import { entriesOf } from "./value.ts";

export interface Import {
  /** As it is written: `[ORGANIZATION/][PROJECT/]NAME[@VERSION]`. */
  name: string;
  /** False: only to be referred to by `imports`. */
  merge: boolean;
}

/** One environment as it is written. */
export interface Definition {
  imports: readonly Import[];
  /** Name → expression, as the parser gave it. */
  values: ReadonlyArray<[string, unknown]>;
}

const TOP_LEVEL = ["description", "imports", "values"];
/** Names that references understand otherwise. */
const RESERVED = ["imports", "context", "environments"];

/** @throws UserError when it is no YAML, a key given twice included. */
export function parseYaml(text: string, where: string): unknown {
  const document = parseDocument(text);
  const fault = document.errors[0];
  if (fault !== undefined) throw new UserError(`${where} is no YAML: ${messageOf(fault).split("\n")[0] ?? ""}`);
  // Maps keep any key as it is, `__proto__` too.
  return document.toJS({ mapAsMap: true });
}

/** @throws UserError that names place and fault. */
export function readDefinition(content: unknown, where: string): Definition {
  const top = new Map(objectAt(content ?? {}, where));
  const unknown = [...top.keys()].find((key) => !TOP_LEVEL.includes(key));
  if (unknown !== undefined) {
    throw new UserError(`${where}: unknown key ${JSON.stringify(unknown)}; allowed are ${TOP_LEVEL.join(", ")}`);
  }
  const imports = top.get("imports") ?? [];
  if (!Array.isArray(imports)) throw new UserError(`${where}: imports: a list of names is needed`);
  const values = objectAt(top.get("values") ?? {}, `${where}: values`);
  const reserved = values.find(([name]) => RESERVED.includes(name))?.[0];
  if (reserved !== undefined) {
    throw new UserError(`${where}: values.${reserved}: this name is taken by ESC itself; choose another`);
  }
  return { imports: imports.map((item, i) => readImport(item, `${where}: imports[${i}]`)), values };
}

function readImport(item: unknown, where: string): Import {
  if (typeof item === "string" && item !== "") return { name: item, merge: true };
  const [entry, ...more] = typeof item === "object" && item !== null ? entriesOf(item) : [];
  if (entry === undefined || more.length > 0) {
    throw new UserError(`${where}: a name is needed, or NAME: { merge: false }`);
  }
  const [name, options] = entry;
  let merge = true;
  for (const [key, value] of objectAt(options ?? {}, where)) {
    if (key !== "merge" || typeof value !== "boolean") {
      throw new UserError(`${where}: unknown option ${JSON.stringify(key)}; allowed is merge: true or false`);
    }
    merge = value;
  }
  return { name, merge };
}

function objectAt(content: unknown, where: string): Array<[string, unknown]> {
  if (typeof content === "object" && content !== null && !Array.isArray(content)) return entriesOf(content);
  throw new UserError(`${where}: an object is needed`);
}
