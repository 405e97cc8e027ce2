import { z } from "zod";
import type { Environment } from "../exec.ts";
import { messageOf, UserError } from "../userError.ts";

/** A comment of a pull request, or an issue. */
const postSchema = z.object({ id: z.number(), number: z.number().optional(), body: z.string().nullish() });
type Post = z.infer<typeof postSchema>;

const PER_PAGE = 100;

/** What the commands need of GitHub's REST interface: one comment or issue, found again by a marker in its text. */
export class GitHub {
  readonly repository: string;
  private readonly api: string;
  private readonly token: string;

  private constructor(api: string, repository: string, token: string) {
    this.api = api;
    this.repository = repository;
    this.token = token;
  }

  /** @returns undefined outside of a workflow: no GITHUB_TOKEN or GITHUB_REPOSITORY. */
  static ofWorkflow(env: Environment = process.env): GitHub | undefined {
    const { GITHUB_TOKEN: token, GITHUB_REPOSITORY: repository } = env;
    if (!token || !repository) return undefined;
    return new GitHub(env["GITHUB_API_URL"] || "https://api.github.com", repository, token);
  }

  /**
   * Writes the one comment with that marker: the first time it makes it, later it changes it.
   * @throws UserError with GitHub's answer when it refuses.
   */
  async comment(pullRequest: number, marker: string, body: string): Promise<"made" | "changed"> {
    const comments = `/repos/${this.repository}/issues/${pullRequest}/comments`;
    const known = await this.find(comments, marker);
    if (known) await this.send("PATCH", `/repos/${this.repository}/issues/comments/${known.id}`, { body });
    else await this.send("POST", comments, { body });
    return known ? "changed" : "made";
  }

  /** Writes the one open issue with that marker. @throws as comment does. */
  async issue(marker: string, title: string, body: string): Promise<"made" | "changed"> {
    const known = await this.openIssue(marker);
    const issues = `/repos/${this.repository}/issues`;
    if (known) await this.send("PATCH", `${issues}/${known.number ?? ""}`, { title, body });
    else await this.send("POST", issues, { title, body });
    return known ? "changed" : "made";
  }

  /** Closes the open issue with that marker, with a word why. @returns whether there was one. @throws as comment does. */
  async closeIssue(marker: string, why: string): Promise<boolean> {
    const known = await this.openIssue(marker);
    if (!known) return false;
    const issue = `/repos/${this.repository}/issues/${known.number ?? ""}`;
    await this.send("POST", `${issue}/comments`, { body: why });
    await this.send("PATCH", issue, { state: "closed" });
    return true;
  }

  private openIssue(marker: string): Promise<Post | undefined> {
    return this.find(`/repos/${this.repository}/issues?state=open`, marker);
  }

  /** Looks through all pages: a long discussion must not make a second comment. */
  private async find(path: string, marker: string): Promise<Post | undefined> {
    for (let page = 1; ; page++) {
      const query = `${path.includes("?") ? "&" : "?"}per_page=${PER_PAGE}&page=${page}`;
      const posts = z.array(postSchema).parse(await this.send("GET", path + query));
      const found = posts.find(({ body }) => body?.startsWith(marker));
      if (found || posts.length < PER_PAGE) return found;
    }
  }

  private async send(method: string, path: string, body?: object): Promise<unknown> {
    const request = `${method} ${path.replace(/\?.*/, "")}`;
    let response: Response;
    try {
      response = await fetch(this.api + path, {
        method,
        headers: { authorization: `Bearer ${this.token}`, accept: "application/vnd.github+json" },
        ...(body ? { body: JSON.stringify(body) } : {}),
        signal: AbortSignal.timeout(30_000),
      });
    } catch (error) {
      throw new UserError(`GitHub cannot be reached for ${request}: ${messageOf(error)}`);
    }
    if (response.ok) return response.json();
    const hint =
      response.status === 403 || response.status === 404
        ? "; the job needs pull-requests: write or issues: write, and a fork's has neither"
        : "";
    throw new UserError(
      `GitHub refuses ${request} with ${response.status}: ${(await response.text()).slice(0, 200)}${hint}`,
    );
  }
}
