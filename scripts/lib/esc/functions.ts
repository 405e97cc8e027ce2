import { UserError } from "../userError.ts";
import { hasSecret, hasUnknown, isList, kindOf, plainOf, textOf, UNKNOWN, valueOf, type Value } from "./value.ts";

/**
 * A function of its argument's value.
 * @param where it is called, for the error.
 * @throws UserError for an argument of another type.
 */
type Pure = (argument: Value, where: string) => unknown;

const functions: Readonly<Record<string, Pure>> = {
  "fn::toJSON": (argument) => escapeAsService(JSON.stringify(plainOf(argument))),
  "fn::fromJSON": (argument, where) => {
    try {
      return JSON.parse(stringIn(argument, where)) as unknown;
    } catch (error) {
      // The parser quotes what it was given, which may be a secret.
      if (error instanceof SyntaxError) throw new UserError(`${where}: this is no JSON`);
      throw error;
    }
  },
  "fn::toBase64": (argument, where) => Buffer.from(stringIn(argument, where), "utf8").toString("base64"),
  "fn::fromBase64": (argument, where) => {
    const text = stringIn(argument, where);
    const bytes = Buffer.from(text, "base64");
    if (bytes.toString("base64") !== text) throw new UserError(`${where}: this is no base64 (with its padding)`);
    const decoded = bytes.toString("utf8");
    if (!Buffer.from(decoded, "utf8").equals(bytes)) {
      throw new UserError(
        `${where}: this is binary data, of which settings and files here hold none; only text is possible`,
      );
    }
    return decoded;
  },
  "fn::toString": (argument) => textOf(argument),
  "fn::join": (argument, where) => {
    const [delimiter, list, ...more] = isList(argument) ? argument.data : [];
    if (delimiter === undefined || list === undefined || more.length > 0 || !isList(list)) {
      throw new UserError(`${where}: [delimiter, list of strings] is needed`);
    }
    return list.data.map((item, i) => stringIn(item, `${where}[1][${i}]`)).join(stringIn(delimiter, `${where}[0]`));
  },
};

/** Known to ESC and not done here. */
const UNSUPPORTED = ["fn::concat", "fn::split", "fn::final", "fn::validate", "fn::open", "fn::rotate"];

/** What can be said of a name that begins with `fn::`, `fn::secret` aside. */
export function kindOfFunction(name: string): "pure" | "unsupported" | "none" {
  if (Object.hasOwn(functions, name)) return "pure";
  return UNSUPPORTED.some((known) => name === known || name.startsWith(`${known}::`)) ? "unsupported" : "none";
}

/** Names that are done here. */
export const SUPPORTED: readonly string[] = ["fn::secret", ...Object.keys(functions)];

/**
 * Calls a pure function. What is made of a secret is secret, what is made of something unknown is unknown.
 * @throws UserError for an argument of another type.
 */
export function callFunction(name: string, argument: Value, where: string): Value {
  const secret = hasSecret(argument);
  if (hasUnknown(argument)) return { data: UNKNOWN, secret };
  const pure = functions[name];
  if (pure === undefined) throw new Error(`${name} is no function`);
  return valueOf(pure(argument, where), secret);
}

function stringIn(value: Value, where: string): string {
  if (typeof value.data === "string") return value.data;
  throw new UserError(`${where}: a string is needed, and this is ${kindOf(value)}; fn::toString makes one of anything`);
}

/** The service's encoder writes these so, for the sake of pages. */
function escapeAsService(json: string): string {
  return json.replace(/[<>&\u2028\u2029]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
