import { globSync, statSync } from "node:fs";
import { join, relative, resolve, sep } from "node:path";
import { UserError } from "./userError.ts";

export interface TestArgs {
  files: string[];
  grep: string | undefined;
}

/** @throws UserError for an option that is not known. */
export function parseTestArgs(argv: readonly string[]): TestArgs {
  const files: string[] = [];
  let grep: string | undefined;
  const words = argv[Symbol.iterator]();
  for (const word of words) {
    if (word === "--grep" || word === "-g") grep = words.next().value;
    else if (word.startsWith("--grep=")) grep = word.slice("--grep=".length);
    else if (word.startsWith("-"))
      throw new UserError(`unknown option "${word}"; allowed are --grep PATTERN and test files`);
    else files.push(word);
  }
  return { files, grep };
}

/**
 * The test files to run, sorted. Those below test/e2e are end-to-end: they share one Docker and run one after the other.
 * @param wanted files or folders; none means all.
 * @throws UserError when one of them is no test.
 */
export function selectTests(project: string, wanted: readonly string[]): { unit: string[]; endToEnd: string[] } {
  const all = globSync("test/**/*.test.ts", { cwd: project }).sort();
  const files = wanted.length === 0 ? all : wanted.flatMap((path) => under(project, path, all));
  const isEndToEnd = (file: string): boolean => file.startsWith(join("test", "e2e") + sep);
  return { unit: files.filter((file) => !isEndToEnd(file)), endToEnd: files.filter(isEndToEnd) };
}

function under(project: string, path: string, all: readonly string[]): string[] {
  const wanted = relative(project, resolve(project, path));
  const isFolder = statSync(join(project, wanted), { throwIfNoEntry: false })?.isDirectory() ?? false;
  const found = all.filter((file) => (isFolder ? file.startsWith(wanted + sep) : file === wanted));
  if (found.length === 0)
    throw new UserError(`"${path}" is no test; allowed are files test/**/*.test.ts and their folders`);
  return found;
}
