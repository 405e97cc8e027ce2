import { UserError } from "../userError.ts";
import type { Definition } from "./definition.ts";
import { callFunction, kindOfFunction, SUPPORTED } from "./functions.ts";
import { partsOf, pathText, type Part, type Path } from "./reference.ts";
import {
  entriesOf,
  hasSecret,
  hasUnknown,
  isList,
  isObject,
  kindOf,
  mergeOver,
  textOf,
  UNKNOWN,
  valueOf,
  type Value,
} from "./value.ts";

/** What an environment is evaluated in. */
export interface Surroundings {
  /** Where it is written, for errors: a file. */
  where: string;
  /** Merged imports, which lie below its own values. */
  base: Value | undefined;
  /** What references to `imports` find. */
  imports: Value;
  /** Of this environment; undefined of one that stands in a stack file. */
  name: string | undefined;
  /** An environment that is referred to by `environments.PROJECT.NAME`. */
  environment(name: string, where: string): Value;
  /** The value of a secret. Undefined: it is not set. */
  secret(name: string): string | undefined;
  /** Told of everything that cannot be had here, with the reason and what to do. */
  unavailable(text: string): void;
}

type Expression =
  | { kind: "literal"; value: Value }
  | { kind: "text"; parts: readonly Part[] }
  | { kind: "list"; elements: readonly Node[] }
  | { kind: "object"; properties: ReadonlyMap<string, Node> }
  | { kind: "call"; name: string; argument: Node };

/** An expression and, once evaluated, what it gives. */
interface Node {
  readonly path: Path;
  readonly expression: Expression;
  readonly base: Value | undefined;
  value?: Value;
}

/** Of a secret; anything else in a definition could be the secret itself. */
export const SECRET_NAME = /^[A-Z][A-Z0-9_]*$/;

/**
 * Evaluates one environment: its values over its imports. References are bound early, to what this environment and its
 * imports say, never to what imports it.
 * @throws UserError in one line for an unknown key, a cycle, a wrong type: file, path, what is allowed.
 */
export function evaluate(definition: Definition, surroundings: Surroundings): Value {
  return new Evaluation(definition, surroundings).result();
}

class Evaluation {
  private readonly root: Node;
  private readonly around: Surroundings;
  /** What is being evaluated, outermost first. */
  private readonly open: Node[] = [];

  constructor({ values }: Definition, surroundings: Surroundings) {
    this.around = surroundings;
    const { base } = surroundings;
    const properties = this.toNodes(values, [], base);
    this.root = { path: [], expression: { kind: "object", properties }, base };
  }

  result(): Value {
    return this.evaluate(this.root);
  }

  private at(path: Path): string {
    return `${this.around.where}: ${pathText(["values", ...path])}`;
  }

  private toNodes(entries: ReadonlyArray<[string, unknown]>, path: Path, base: Value | undefined) {
    const below = isObject(base) ? base.data : undefined;
    return new Map(entries.map(([key, raw]) => [key, this.toNode(raw, [...path, key], below?.get(key))]));
  }

  private toNode(raw: unknown, path: Path, base?: Value): Node {
    return { path, base, expression: this.read(raw, path, base) };
  }

  private read(raw: unknown, path: Path, base: Value | undefined): Expression {
    if (typeof raw === "string") {
      const parts = partsOf(raw, this.at(path));
      const isPlain = parts.every((part) => typeof part === "string");
      return isPlain ? { kind: "literal", value: valueOf(parts.join("")) } : { kind: "text", parts };
    }
    if (Array.isArray(raw)) return { kind: "list", elements: raw.map((item, i) => this.toNode(item, [...path, i])) };
    if (typeof raw !== "object" || raw === null) return { kind: "literal", value: valueOf(raw) };
    const entries = entriesOf(raw);
    const call = entries.find(([key]) => key.startsWith("fn::"));
    if (call === undefined) return { kind: "object", properties: this.toNodes(entries, path, base) };
    const [name, argument] = call;
    if (entries.length > 1)
      throw new UserError(`${this.at(path)}: ${name} stands alone in its object; take the rest out`);
    if (name !== "fn::secret" && kindOfFunction(name) === "none") {
      throw new UserError(`${this.at(path)}: there is no function ${name}; allowed are ${SUPPORTED.join(", ")}`);
    }
    return { kind: "call", name, argument: this.toNode(argument, [...path, name]) };
  }

  private evaluate(node: Node): Value {
    if (node.value !== undefined) return node.value;
    const first = this.open.indexOf(node);
    if (first >= 0) {
      const circle = [...this.open.slice(first), node].map(({ path }) => pathText(path)).join(" → ");
      throw new UserError(`${this.at(node.path)} is made of itself: ${circle}`);
    }
    this.open.push(node);
    const own = this.compute(node);
    this.open.pop();
    return (node.value = mergeOver(node.base, own));
  }

  private compute({ expression, path }: Node): Value {
    switch (expression.kind) {
      case "literal":
        return expression.value;
      case "list":
        return { data: expression.elements.map((element) => this.evaluate(element)), secret: false };
      case "object": {
        const entries = [...expression.properties].map(([key, inner]) => [key, this.evaluate(inner)] as const);
        return { data: new Map(entries), secret: false };
      }
      case "text":
        return this.interpolate(expression.parts, path);
      case "call":
        return this.call(expression.name, expression.argument, path);
    }
  }

  /** A reference alone is a copy, within a text its string form. */
  private interpolate(parts: readonly Part[], path: Path): Value {
    const values = parts.map((part) => (typeof part === "string" ? valueOf(part) : this.refer(part.path, path)));
    const [only, ...more] = values;
    if (only !== undefined && more.length === 0) return only;
    const secret = values.some(hasSecret);
    return values.some(hasUnknown) ? { data: UNKNOWN, secret } : { data: values.map(textOf).join(""), secret };
  }

  private call(name: string, argument: Node, path: Path): Value {
    if (name === "fn::secret") return this.secret(argument, path);
    if (kindOfFunction(name) === "pure") return callFunction(name, this.evaluate(argument), this.at(argument.path));
    this.around.unavailable(
      `${this.at(path)}: ${name} is not done here, Pulumi Cloud does it: log in to it, or give the value in the stack file or by fn::secret`,
    );
    // What a provider gives is mostly secret, and nobody here can tell.
    return { data: UNKNOWN, secret: true };
  }

  private secret({ expression }: Node, path: Path): Value {
    const name = expression.kind === "literal" ? expression.value.data : undefined;
    if (typeof name !== "string" || !SECRET_NAME.test(name)) {
      throw new UserError(
        `${this.at(path)}: fn::secret takes the name of a secret (capitals, digits, "_"), never a value: npm run secret -- set NAME keeps it; what stood here may have to be changed`,
      );
    }
    const value = this.around.secret(name);
    if (value === undefined) this.around.unavailable(`${this.at(path)}: secret ${name} is not set`);
    return { data: value ?? UNKNOWN, secret: true };
  }

  private refer(reference: Path, from: Path): Value {
    const where = `${this.at(from)}: \${${pathText(reference)}}`;
    const [root, ...rest] = reference;
    if (root === "imports") return access(this.around.imports, rest, where);
    if (root === "context") return this.accessContext(rest, where);
    if (root === "environments") {
      const [project, name, ...inner] = rest;
      if (typeof project !== "string" || typeof name !== "string") {
        throw new UserError(`${where}: an environment is needed: \${environments.PROJECT.NAME.path}`);
      }
      return access(this.around.environment(`${project}/${name}`, where), inner, where);
    }
    return this.navigate(reference, where);
  }

  /** Who is logged in, and what the stack file's own list is called, is known to the service alone. */
  private accessContext(path: Path, where: string): Value {
    const name = this.around.name;
    if (name !== undefined && path[0] === "currentEnvironment") {
      return access(valueOf({ currentEnvironment: { name } }), path, where);
    }
    this.around.unavailable(`${where} is known to Pulumi Cloud alone; write what it stands for`);
    return { data: UNKNOWN, secret: false };
  }

  /** Goes down the expressions as far as they are objects and lists, so that a value may refer to its neighbour. */
  private navigate(reference: Path, where: string): Value {
    let node = this.root;
    for (const [i, step] of reference.entries()) {
      const next = childOf(node, step);
      if (next === undefined) return access(partsBelow(node) ?? this.evaluate(node), reference.slice(i), where);
      node = next;
    }
    return this.evaluate(node);
  }
}

function childOf({ expression }: Node, step: string | number): Node | undefined {
  if (expression.kind === "object" && typeof step === "string") return expression.properties.get(step);
  return expression.kind === "list" && typeof step === "number" ? expression.elements[step] : undefined;
}

/** What an object or a list has where its own expressions have nothing: that of its base, and names for the error. */
function partsBelow({ expression, base }: Node): Value | undefined {
  if (expression.kind === "list") return valueOf(expression.elements.map(() => null));
  if (expression.kind !== "object") return undefined;
  const own = new Map<string, Value>([...expression.properties.keys()].map((name) => [name, valueOf(null)]));
  if (isObject(base)) for (const [name, value] of base.data) own.set(name, value);
  return { data: own, secret: false };
}

/** @throws UserError that names what is missing and what there is. */
export function access(value: Value, path: Path, where: string): Value {
  let found = value;
  for (const step of path) {
    if (found.data === UNKNOWN) return found;
    let next: Value | undefined;
    if (isList(found)) next = typeof step === "number" ? found.data[step] : undefined;
    else if (isObject(found)) next = typeof step === "string" ? found.data.get(step) : undefined;
    else
      throw new UserError(
        `${where}: ${JSON.stringify(step)} is asked of ${kindOf(found)}; only objects and lists have parts`,
      );
    if (next === undefined) throw new UserError(`${where}: ${missing(found, step)}`);
    found = next;
  }
  return found;
}

function missing(value: Value, step: string | number): string {
  if (isList(value)) return `there is no element ${JSON.stringify(step)} in a list of ${value.data.length}`;
  const names = isObject(value) ? [...value.data.keys()].sort() : [];
  return `there is no ${JSON.stringify(step)}; there is ${names.join(", ") || "nothing"}`;
}
