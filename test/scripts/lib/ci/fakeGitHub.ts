import { createServer, type IncomingMessage } from "node:http";
import { later } from "../../support.ts";

interface Post {
  id: number;
  number: number;
  title: string;
  body: string;
  state: string;
}

/** What the commands use of GitHub's REST interface, for one repository; posts are in memory, pages hold `perPage`. */
export async function fakeGitHub(options: { refuseWrites?: boolean } = {}): Promise<{
  env: Record<string, string>;
  comments(pullRequest: number): string[];
  issues(): Post[];
  /** Adds a post of somebody else's. */
  addComment(pullRequest: number, body: string): void;
}> {
  const issues: Post[] = [];
  const comments: (Post & { of: number })[] = [];
  let lastId = 1000;
  const newPost = (fields: Partial<Post>): Post => {
    lastId++;
    return { id: lastId, number: lastId, title: "", body: "", state: "open", ...fields };
  };

  function answer(method: string, url: URL, sent: Partial<Post>): unknown {
    const [, kind = "", id = "", sub = ""] =
      /^\/repos\/o\/r\/(issues\/comments|issues)(?:\/(\d+))?(?:\/(\w+))?$/.exec(url.pathname) ?? [];
    const page = (posts: readonly Post[]) => {
      const size = Number(url.searchParams.get("per_page"));
      const start = (Number(url.searchParams.get("page")) - 1) * size;
      return posts.slice(start, start + size);
    };
    if (kind === "issues/comments") return Object.assign(comments.find((each) => String(each.id) === id) ?? {}, sent);
    if (sub === "comments") {
      if (method === "GET") return page(comments.filter(({ of }) => String(of) === id));
      comments.push({ ...newPost(sent), of: Number(id) });
      return comments.at(-1);
    }
    if (method === "GET") return page(issues.filter(({ state }) => state === url.searchParams.get("state")));
    if (method === "PATCH") return Object.assign(issues.find((each) => String(each.number) === id) ?? {}, sent);
    issues.push(newPost(sent));
    return issues.at(-1);
  }

  const server = createServer((request, response) => {
    void readBody(request).then((body) => {
      const refused =
        request.headers.authorization !== "Bearer fake-token" || (options.refuseWrites && request.method !== "GET");
      response.statusCode = refused ? 403 : 200;
      const result = refused
        ? { message: "Resource not accessible by integration" }
        : answer(
            request.method ?? "",
            new URL(request.url ?? "", "http://fake"),
            JSON.parse(body || "{}") as Partial<Post>,
          );
      response.end(JSON.stringify(result));
    });
  });
  later(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as { port: number };
  return {
    env: { GITHUB_API_URL: `http://127.0.0.1:${port}`, GITHUB_REPOSITORY: "o/r", GITHUB_TOKEN: "fake-token" },
    comments: (pullRequest) => comments.filter(({ of }) => of === pullRequest).map(({ body }) => body),
    issues: () => issues,
    addComment: (of, body) => void comments.push({ ...newPost({ body }), of }),
  };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
