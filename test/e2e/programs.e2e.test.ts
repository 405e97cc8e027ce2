import assert from "node:assert/strict";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ensureImage } from "../offline/support.ts";
import { docker, eventually, TestEstate } from "./testEstate.ts";

/** An image without Node, without Python, without a C library: busybox alone. */
const BARE = "mcp-estate-programs-test:bare";
/** A server in that image, as a shell script. */
const SCRIPT = `#!/bin/sh
while IFS= read -r line; do
  id=\${line#*\\"id\\":}; id=\${id%%[,\\}]*}
  case $line in
    *'"method":"initialize"'*) answer='"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"shell","version":"0.1.0"}' ;;
    *'"method":"tools/list"'*) answer='"tools":[{"name":"greet","inputSchema":{"type":"object"}}]' ;;
    *'"method":"tools/call"'*) answer='"content":[{"type":"text","text":"'"$GREETING from $(cat "\${STATE:-/dev/null}" 2>/dev/null)"'"}]' ;;
    *'"method":"ping"'*) answer= ;;
    *) continue ;;
  esac
  echo "{\\"jsonrpc\\":\\"2.0\\",\\"id\\":$id,\\"result\\":{$answer}}"
done
`;
const GREET = { tool: "greet", arguments: {}, expectText: "hello" };
const EVERYTHING = "/app/node_modules/@modelcontextprotocol/server-everything/dist/index.js";

describe("Servers that the catalogue does not have, told in the stack file, end to end", function () {
  this.timeout(600_000);
  const estate = new TestEstate("programs", {
    config: {
      "mcp-estate:servers": {
        npm: {
          program: {
            npm: "@modelcontextprotocol/server-everything@2026.8.31",
            lockFolder: "components/catalogue/locks/everything",
            // Native HTTP: it listens on the loopback port that it is told.
            command: ["/usr/local/bin/node", EVERYTHING, "streamableHttp"],
            transport: "http",
            proof: { tool: "echo", arguments: { message: "hello" }, expectText: "hello" },
          },
        },
        pypi: {
          program: {
            pypi: "mcp-server-time==2026.10.19",
            lockFolder: "components/catalogue/locks/time",
            command: ["/usr/bin/python3", "-m", "mcp_server_time"],
            proof: { tool: "get_current_time", arguments: { timezone: "UTC" }, expectText: "UTC" },
          },
        },
        image: { program: { image: BARE, command: ["/bin/greeter"], proof: GREET }, env: { GREETING: "hello" } },
        built: { program: { dockerfile: "servers/built", command: ["/bin/greeter"], proof: GREET } },
        files: { from: "filesystem" },
      },
    },
  });
  const shared = join(estate.folder, "shared");

  before(async () => {
    await ensureImage(docker, BARE, { "bin/greeter": SCRIPT });
    await estate.create();
    mkdirSync(join(estate.folder, "servers/built"), { recursive: true });
    // What an image sets for its programs stays.
    writeFileSync(
      join(estate.folder, "servers/built/Dockerfile"),
      `FROM ${BARE}\nENV GREETING="hello of the image"\nCOPY name /etc/name\nENV STATE=/etc/name\n`,
    );
    writeFileSync(join(estate.folder, "servers/built/name"), "first");
    mkdirSync(shared);
    writeFileSync(join(shared, "note.txt"), "of the host");
    chmodSync(shared, 0o755);
    // Below /tmp, whose folders of tests are closed to others.
    chmodSync(estate.folder, 0o755);
    change("files", () => ({
      from: "filesystem",
      hostPaths: [{ hostPath: shared, path: "/notes" }],
      args: ["/notes"],
    }));
    await estate.succeed("up", ["--yes"]);
  });
  after(async () => {
    await estate.dispose();
    await docker.getImage(BARE).remove({ force: true });
  });

  /** Other settings of a server; answers those that it had. */
  function change(name: string, settings: (now: Record<string, unknown>) => Record<string, unknown>) {
    let before: Record<string, unknown> = {};
    estate.configure((config) => {
      const servers = config["mcp-estate:servers"] as Record<string, Record<string, unknown>>;
      before = servers[name] ?? {};
      servers[name] = settings(before);
    });
    return before;
  }

  const text = async (server: string, tool: string, args: Record<string, unknown> = {}): Promise<string> => {
    const { status, body } = await estate.execute(server, tool, args);
    assert.equal(status, 200, JSON.stringify(body));
    return JSON.stringify(body);
  };

  it("a package of npm, over its own HTTP, and one of PyPI", async () => {
    assert.match(await text("npm", "echo", { message: "over HTTP" }), /over HTTP/);
    assert.match(await text("pypi", "get_current_time", { timezone: "UTC" }), /UTC/);
    const found = await estate.servers();
    assert.deepEqual(found.map(({ name, state }) => `${name} ${state}`).sort(), [
      "built healthy",
      "files healthy",
      "image healthy",
      "npm healthy",
      "pypi healthy",
    ]);
    assert.equal(found.find(({ name }) => name === "pypi")?.version, "2026.10.19");
  });

  it("an image that has nothing but a shell, and what a Dockerfile makes of it: with limits, health and supervision like any other", async () => {
    assert.match(await text("image", "greet"), /hello from /);
    assert.match(await text("built", "greet"), /hello of the image from first/);
    for (const name of ["image", "built"]) {
      const { HostConfig, Config } = await (await estate.container(name)).inspect();
      assert.equal(HostConfig.PidsLimit, 64);
      assert.equal(HostConfig.ReadonlyRootfs, true);
      assert.match(Config.User, /^\d{6,}:\d{6,}$/);
      const limits = await estate.exec(name, ["/usr/bin/curl", "-s", "http://127.0.0.1:8000/limits"]);
      assert.deepEqual((JSON.parse(limits.output) as { gaps: unknown[] }).gaps, []);
    }
  });

  it("R-PRC: its server is started again when it ends", async () => {
    const { Pid } = (await (await estate.container("image")).inspect()).State;
    const { output } = await estate.exec("image", [
      "/bin/sh",
      "-c",
      "for each in /proc/[0-9]*; do read -r line <$each/cmdline && echo; echo $each $line; done",
    ]);
    const child = /\/proc\/(\d+) \/bin\/sh.*greeter/.exec(output.replaceAll("\0", " "))?.[1];
    assert.ok(child && Pid > 0, output);
    await estate.exec("image", ["/bin/sh", "-c", `kill -9 ${child}`]);
    await eventually(async () => assert.match(await text("image", "greet"), /hello/), 20_000);
  });

  it("R-IMG-13: a file of the Dockerfile's folder that changes is a new image of that server and of no other", async () => {
    const before = await estate.output<Record<string, { image: string }>>("servers");
    writeFileSync(join(estate.folder, "servers/built/name"), "second");
    await estate.succeed("up", ["--yes"]);
    const after = await estate.output<Record<string, { image: string }>>("servers");
    assert.deepEqual(
      Object.keys(after).filter((name) => after[name]?.image !== before[name]?.image),
      ["built"],
    );
    assert.match(await text("built", "greet"), /hello of the image from second/);
    await estate.succeed("up", ["--yes", "--expect-no-changes"]);
  });

  it("R-IMG-11: a broken import is named, and the server that worked goes on", async () => {
    const worked = change("pypi", (server) => ({
      program: { ...(server["program"] as object), command: ["/usr/bin/python3", "-c", "import networkx"] },
    }));
    const { code, output } = await estate.command("up", ["--yes", "--no-rollback"]);
    assert.notEqual(code, 0);
    assert.match(output, /pypi is crash-loop 60 s after its start: .*No module named 'networkx'/s);
    assert.match(await text("pypi", "get_current_time", { timezone: "UTC" }), /UTC/);
    change("pypi", () => worked);
    await estate.succeed("up", ["--yes"]);
  });

  it("R-VOL-02, R-VOL-03: a folder of the host is seen, and not written", async () => {
    assert.match(await text("files", "read_text_file", { path: "/notes/note.txt" }), /of the host/);
    assert.match(
      JSON.stringify((await estate.execute("files", "write_file", { path: "/notes/new.txt", content: "x" })).body),
      /EROFS|read-only/,
    );
    const smoke = await estate.succeed("smoke");
    assert.match(smoke.stdout, /mounts +files +.*1 path of the host/);
  });

  it("R-VOL-03: what its account cannot read fails the gate by name", async () => {
    chmodSync(shared, 0o700);
    const smoke = await estate.command("smoke");
    chmodSync(shared, 0o755);
    assert.notEqual(smoke.code, 0);
    assert.match(smoke.output, /\/notes cannot be read: give its account the right to/);
  });

  it("R-VOL-02: a mount source that is not there fails the preview by name, and a path that is no mount", async () => {
    change("files", (server) => ({ ...server, hostPaths: [{ hostPath: `${shared}/gone`, path: "/notes" }] }));
    const gone = await estate.command("preview");
    assert.notEqual(gone.code, 0);
    assert.match(gone.output, /servers\.files\.hostPaths: there is no \S+\/shared\/gone on this host/);
    change("files", () => ({ from: "filesystem", args: ["/var/lib/dpkg"] }));
    const unmounted = await estate.command("preview");
    assert.match(
      unmounted.output,
      /servers\.files\.args: names \/var\/lib\/dpkg, which this host has and its container has not/,
    );
  });
});
