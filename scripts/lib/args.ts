import { UserError } from "./userError.ts";

export interface CommandArgs {
  /** @default "dev" */
  stack: string;
  /** Which of the command's own flags were given, without their dashes. */
  flags: ReadonlySet<string>;
  /** Everything else, for the engine, in order. */
  rest: string[];
}

/**
 * Takes `--stack NAME` (`--stack=NAME`, `-s NAME`) and the command's own flags out of the arguments.
 * @throws UserError when `--stack` has no name or one that can be none.
 */
export function parseArgs(argv: readonly string[], ownFlags: readonly string[] = []): CommandArgs {
  const flags = new Set<string>();
  const rest: string[] = [];
  let stack = "dev";
  const words = argv[Symbol.iterator]();
  for (const word of words) {
    const flag = word.replace(/^--/, "");
    if (word === "--stack" || word === "-s") stack = checkedStack(words.next().value);
    else if (word.startsWith("--stack=")) stack = checkedStack(word.slice("--stack=".length));
    else if (word.startsWith("--") && ownFlags.includes(flag)) flags.add(flag);
    else if (word === "-y" && ownFlags.includes("yes")) flags.add("yes");
    else rest.push(word);
  }
  return { stack, flags, rest };
}

/**
 * Takes `--NAME VALUE` (`--NAME=VALUE`) out of the arguments.
 * @throws UserError when it has no value.
 */
export function takeOption(words: string[], name: string): string | undefined {
  const at = words.findIndex((word) => word === `--${name}` || word.startsWith(`--${name}=`));
  if (at < 0) return undefined;
  const [word = ""] = words.splice(at, 1);
  const value = word.includes("=") ? word.slice(word.indexOf("=") + 1) : words.splice(at, 1)[0];
  if (!value) throw new UserError(`--${name} got no value; write --${name} VALUE`);
  return value;
}

/**
 * What is left when all options are taken: names.
 * @throws UserError for an option that nobody knows.
 */
export function namesOnly(words: readonly string[], options: string): string[] {
  const unknown = words.find((word) => word.startsWith("-"));
  if (unknown !== undefined) throw new UserError(`unknown option "${unknown}"; allowed are ${options}`);
  return [...words];
}

function checkedStack(name: string | undefined): string {
  if (name === undefined || !/^\w[\w.-]*(\/\w[\w.-]*){0,2}$/.test(name)) {
    throw new UserError(
      `--stack got ${name === undefined ? "no name" : `"${name}"`}; allowed are letters, digits, "_", "." and "-", for example --stack dev`,
    );
  }
  return name;
}
