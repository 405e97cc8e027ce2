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

function checkedStack(name: string | undefined): string {
  if (name === undefined || !/^\w[\w.-]*(\/\w[\w.-]*){0,2}$/.test(name)) {
    throw new UserError(
      `--stack got ${name === undefined ? "no name" : `"${name}"`}; allowed are letters, digits, "_", "." and "-", for example --stack dev`,
    );
  }
  return name;
}
