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

export interface SelectedTests {
  unit: string[];
  /** Those below test/e2e: each has stacks, ports and networks of its own in one Docker, so that some can run at once. */
  endToEnd: string[];
  /** End-to-end files called `*.alone.test.ts`: they promise times, count calls or fill the machine. */
  alone: string[];
}

/** Folders of tests that run when they are asked for: `npm run test:swarm`, `npm run test:lambda`. */
const APART = [join("test", "swarm") + sep, join("test", "lambda", "estate") + sep];

/**
 * The test files to run, sorted.
 * @param wanted files or folders; none means all but those that run when they are asked for.
 * @throws UserError when one of them is no test.
 */
export function selectTests(project: string, wanted: readonly string[]): SelectedTests {
  const all = globSync("test/**/*.test.ts", { cwd: project }).sort();
  const files =
    wanted.length === 0
      ? all.filter((file) => !APART.some((folder) => file.startsWith(folder)))
      : wanted.flatMap((path) => under(project, path, all));
  const isEndToEnd = (file: string): boolean => file.startsWith(join("test", "e2e") + sep);
  const isAlone = (file: string): boolean => isEndToEnd(file) && file.endsWith(".alone.test.ts");
  return {
    unit: files.filter((file) => !isEndToEnd(file)),
    endToEnd: files.filter((file) => isEndToEnd(file) && !isAlone(file)),
    alone: files.filter(isAlone),
  };
}

function under(project: string, path: string, all: readonly string[]): string[] {
  const wanted = relative(project, resolve(project, path));
  const isFolder = statSync(join(project, wanted), { throwIfNoEntry: false })?.isDirectory() ?? false;
  const found = all.filter((file) => (isFolder ? file.startsWith(wanted + sep) : file === wanted));
  if (found.length === 0)
    throw new UserError(`"${path}" is no test; allowed are files test/**/*.test.ts and their folders`);
  return found;
}
