import { isMap, isUnknown, type Value } from "../values.ts";

/** How a host is reached, as the command plugin's own SDK says it. */
export interface Connection {
  host: string;
  /** @default 22 */
  port?: number;
  /** @default root */
  user?: string;
  password?: string;
  /** Text of a key; it comes before the password. */
  privateKey?: string;
  privateKeyPassword?: string;
  /** @default SSH_AUTH_SOCK */
  agentSocketPath?: string;
  /** `TYPE BASE64`, as in a file of known hosts. @default not looked at, as the official plugin does */
  hostKey?: string;
  /** Seconds for each try; 0 is for ever. @default 15 */
  perDialTimeout?: number;
  /** Failed tries before it gives up; -1 is never. @default 10 */
  dialErrorLimit?: number;
  /** A host on the way there. */
  proxy?: Omit<Connection, "proxy">;
}

const TEXTS = ["host", "user", "password", "privateKey", "privateKeyPassword", "agentSocketPath", "hostKey"];
const NUMBERS = ["port", "perDialTimeout", "dialErrorLimit"];

/** What is wrong with the value of `connection`; it never repeats a value: there are keys and passwords among them. */
export function connectionFault(value: Value, isProxy = false): string | undefined {
  if (!isMap(value)) return "give an object with host, user and privateKey or password";
  for (const [key, each] of Object.entries(value)) {
    if (isUnknown(each) || each === null) continue;
    if (TEXTS.includes(key)) {
      if (typeof each !== "string") return `its ${key} must be a string`;
    } else if (NUMBERS.includes(key)) {
      if (typeof each !== "number") return `its ${key} must be a number`;
    } else if (key === "proxy" && !isProxy) {
      const fault = connectionFault(each, true);
      if (fault !== undefined) return `of its proxy: ${fault}`;
    } else return `it has no ${key}; there are ${[...TEXTS, ...NUMBERS, ...(isProxy ? [] : ["proxy"])].join(", ")}`;
  }
  return value["host"] === undefined ? "its host is missing" : undefined;
}
