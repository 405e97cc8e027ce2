import assert from "node:assert/strict";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import type net from "node:net";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import { checkDockerConfig, dockerOf } from "../../offline/plugins/docker/connection.ts";

describe("where Docker is", () => {
  let folder: string;
  let daemon: http.Server;
  const oldPath = process.env["PATH"];

  /** A daemon that answers like Docker, and an `ssh` that connects to it and writes down how it was called. */
  before(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), "offline-ssh-"));
    daemon = http.createServer((request, response) => {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ Name: "asked", Driver: request.url }));
    });
    await new Promise<void>((resolve) => daemon.listen(0, "127.0.0.1", resolve));
    const { port } = daemon.address() as net.AddressInfo;
    const ssh = path.join(folder, "ssh");
    await writeFile(
      ssh,
      `#!${process.execPath}
require("node:fs").writeFileSync(${JSON.stringify(path.join(folder, "called"))}, JSON.stringify(process.argv.slice(2)));
if (process.argv.includes("unknown.example")) { console.error("Host key verification failed."); process.exit(255); }
const socket = require("node:net").connect(${port}, "127.0.0.1");
process.stdin.pipe(socket).pipe(process.stdout);
`,
    );
    await chmod(ssh, 0o755);
    process.env["PATH"] = `${folder}:${oldPath}`;
  });

  after(async () => {
    process.env["PATH"] = oldPath;
    daemon.closeAllConnections();
    daemon.close();
    await rm(folder, { recursive: true, force: true });
  });

  it("reaches it through the system's ssh, with the user's options", async () => {
    const docker = dockerOf({ config: { host: "ssh://root@docker.example:2222", sshOpts: ["-i", "key"] } });
    const volume = await docker.getVolume("v").inspect();
    assert.equal(volume.Driver, "/volumes/v");
    const called = JSON.parse(await readFile(path.join(folder, "called"), "utf8")) as string[];
    assert.deepEqual(called.slice(0, 6), ["-i", "key", "-l", "root", "-p", "2222"]);
    assert.deepEqual(called.slice(-4), ["docker.example", "docker", "system", "dial-stdio"]);
  });

  it("says what ssh said when it fails", async () => {
    const docker = dockerOf({ config: { host: "ssh://unknown.example" } });
    await assert.rejects(
      docker.getVolume("v").inspect(),
      /Docker is not reachable at ssh:\/\/unknown\.example .*Host key verification failed/,
    );
  });

  it("reaches it over tcp", async () => {
    const { port } = daemon.address() as net.AddressInfo;
    const docker = dockerOf({ config: { host: `tcp://127.0.0.1:${port}` } });
    assert.equal((await docker.getVolume("w").inspect()).Driver, "/volumes/w");
  });

  it("names the socket that is not there", async () => {
    const docker = dockerOf({ config: { host: "unix:///nowhere/docker.sock" } });
    await assert.rejects(
      docker.getVolume("v").inspect(),
      /Docker is not reachable at unix:\/\/\/nowhere\/docker\.sock \(there is no such socket\)/,
    );
  });

  it("refuses a host or a context that is none", () => {
    assert.match(checkDockerConfig({ host: "somewhere" })[0].reason, /host is "somewhere": give unix/);
    assert.match(checkDockerConfig({ context: "none-such" })[0].reason, /docker context "none-such" is not in/);
  });
});
