import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CatalogueEntry } from "../../../components/catalogue/index.ts";
import { inWords, readAudit, type Audit, type Vulnerability } from "../audit.ts";
import { capture } from "../exec.ts";

export const SEVERITIES = ["low", "moderate", "high", "critical"] as const;
export type Severity = (typeof SEVERITIES)[number];

/** What is known of an entry's packages. */
export interface Verdict {
  name: string;
  result: "clean" | "accepted" | "vulnerable" | "not checked";
  /** One line for each vulnerability at or above the threshold, or why nobody knows. */
  lines: string[];
}

/**
 * Asks npm's registry what is known of an entry's locked packages.
 * @param root the project's folder.
 */
export async function askAudit({ package: source }: CatalogueEntry, root: string): Promise<Audit> {
  if (source.ecosystem !== "npm") return { answered: false, why: "PyPI's index has no such endpoint" };
  const folder = await mkdtemp(join(tmpdir(), "mcp-estate-audit-"));
  try {
    for (const file of ["package.json", "package-lock.json"])
      await copyFile(join(root, source.lockFolder, file), join(folder, file));
    const omit = ["--omit=dev", ...(source.withoutOptional ? ["--omit=optional"] : [])];
    const { stdout } = await capture("npm", ["audit", "--package-lock-only", "--json", ...omit], { cwd: folder });
    return readAudit(stdout);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/**
 * @param threshold the least severity that counts.
 * @param today ISO date: an exception that has ended by then is none.
 */
export function judge(entry: CatalogueEntry, audit: Audit, threshold: Severity, today: string): Verdict {
  const { name, accepted = [] } = entry;
  if (!audit.answered) return { name, result: "not checked", lines: [audit.why] };
  const counts = (severity: string): boolean =>
    SEVERITIES.indexOf(severity as Severity) >= SEVERITIES.indexOf(threshold);
  const found = audit.found.filter(({ severity }) => counts(severity));
  if (found.length === 0) return { name, result: "clean", lines: [] };
  const exceptionOf = ({ package: vulnerable }: Vulnerability) =>
    accepted.find((each) => each.package === vulnerable && each.until >= today);
  const isOpen = found.some((each) => exceptionOf(each) === undefined);
  const lines = found.map((each) => {
    const exception = exceptionOf(each);
    const ended = accepted.find((other) => other.package === each.package);
    const words = exception
      ? `, accepted until ${exception.until}: ${exception.why}`
      : ended
        ? `, accepted until ${ended.until}, which is over`
        : "";
    return `${inWords(each)}${words}`;
  });
  return { name, result: isOpen ? "vulnerable" : "accepted", lines };
}
