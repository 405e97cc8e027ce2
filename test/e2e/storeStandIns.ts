import { createHash } from "node:crypto";
import { baseRecipe, imageTag } from "../../components/imageRecipe.ts";
import { connect } from "../../components/providers/docker.ts";
import { packEntries } from "../../components/providers/images/archive.ts";
import { ensureImage } from "../../components/providers/images/build.ts";

/** A program in the place where another's image has its own. */
export interface StandIn {
  name: string;
  /** Absolute path of the program in the image. */
  program: string;
  /** Source for Node, CommonJS. */
  source: string;
  /** Folders that the account owns, as in the real image. */
  folders: readonly string[];
  uid: number;
}

/** Takes lines by Loki's push protocol, keeps them on its volume, and finds the newest that holds a text. */
export const lokiStandIn: StandIn = {
  name: "loki",
  program: "/usr/bin/loki",
  folders: ["/loki"],
  uid: 10001,
  source: `
const { appendFileSync, existsSync, readFileSync } = require("node:fs");
const config = JSON.parse(readFileSync(process.argv.find((each) => each.startsWith("-config.file=")).split("=")[1]));
const file = config.common.path_prefix + "/lines.ndjson";
require("node:http").createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url, "http://x");
  if (pathname === "/loki/api/v1/push") {
    let body = "";
    request.on("data", (chunk) => (body += chunk)).on("end", () => {
      for (const { stream, values } of JSON.parse(body).streams)
        for (const [at, text] of values) appendFileSync(file, JSON.stringify({ ...stream, at, text }) + "\\n");
      response.writeHead(204).end();
    });
  } else if (pathname === "/loki/api/v1/query_range") {
    const wanted = /[|]= "([^"]+)"/.exec(searchParams.get("query"))[1];
    const lines = existsSync(file) ? readFileSync(file, "utf8").trim().split("\\n").map((line) => JSON.parse(line)) : [];
    const found = lines.filter(({ container, text }) => container === "collector" && text.includes(wanted)).at(-1);
    response.end(JSON.stringify({ data: { result: found ? [{ values: [[found.at, found.text]] }] : [] } }));
  } else response.writeHead(404).end();
}).listen(config.server.http_listen_port);
process.on("SIGTERM", () => process.exit(0));
`,
};

/** Shows what it was provisioned with, and whether it finds its data sources. */
export const grafanaStandIn: StandIn = {
  name: "grafana",
  program: "/run.sh",
  folders: ["/var/lib/grafana"],
  uid: 472,
  source: `
const { readdirSync, readFileSync } = require("node:fs");
const read = (path) => JSON.parse(readFileSync(path, "utf8"));
const { datasources } = read("/etc/grafana/provisioning/datasources/mcp-estate.yaml");
const [{ options }] = read("/etc/grafana/provisioning/dashboards/mcp-estate.yaml").providers;
require("node:http").createServer(async (request, response) => {
  const dashboards = readdirSync(options.path).map((name) => read(options.path + "/" + name).title);
  const answers = {};
  for (const { name, url } of datasources)
    answers[name] = await fetch(url).then((answer) => answer.status, (error) => String(error.cause ?? error));
  const hasPassword = process.env.GF_SECURITY_ADMIN_PASSWORD?.length > 0;
  response.end(JSON.stringify({ dashboards, answers, hasPassword }));
}).listen(3000);
process.on("SIGTERM", () => process.exit(0));
`,
};

/** Puts a stand-in's image on the Docker host. @returns its reference. */
export async function buildStandIn({ name, program, source, folders, uid }: StandIn): Promise<string> {
  const base = baseRecipe("node");
  const from = imageTag(base);
  await ensureImage({ tag: from, recipe: base, labels: {} });
  const reference = `mcp-test/${name}:${createHash("sha256").update(source).digest("hex").slice(0, 12)}`;
  const docker = connect();
  const container = await docker.createContainer({
    Image: from,
    Cmd: ["true"],
    name: `mcp-test-${name}-${process.pid}`,
  });
  try {
    const entries = [
      ...folders.map((folder) => ({ name: folder.slice(1), mode: 0o755, uid, gid: uid })),
      { name: program.slice(1), mode: 0o755, content: `#!/usr/local/bin/node\n${source}` },
    ];
    await container.putArchive(packEntries(entries), { path: "/" });
    const [repo, tag] = reference.split(":");
    await container.commit({ repo, tag });
  } finally {
    await container.remove({ force: true });
  }
  return reference;
}

export async function removeStandIn(reference: string): Promise<void> {
  await connect().getImage(reference).remove({ force: true });
}
