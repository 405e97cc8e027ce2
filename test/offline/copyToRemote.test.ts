import assert from "node:assert/strict";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { copyToRemote } from "../../offline/plugins/command/copyToRemote.ts";
import type { ValueMap } from "../../offline/plugins/values.ts";
import { sshServer } from "./sshServer.ts";
import { missing, Project } from "./support.ts";

const SIGNATURE = "4dabf18193072939515e22adb298388d";
const asset = (content: ValueMap): ValueMap => ({ [SIGNATURE]: "c44067f5952c0a294b673a41bacd8c17", ...content });
const archive = (content: ValueMap): ValueMap => ({ [SIGNATURE]: "0def7320c3a5731c473e5ecbe6d01bc7", ...content });

/** A real ssh server on this machine's loopback stands for another machine. */
describe("copies to another machine, over a real ssh server", function () {
  this.timeout(120_000);
  const server = sshServer("copy-to-remote");
  const { folder, context } = server;
  const there = (path: string): string => join(folder, "there", path);
  const here = (path: string): string => join(folder, "here", path);

  before(async () => {
    await server.start();
    mkdirSync(here("tree/below"), { recursive: true });
    writeFileSync(here("file"), "of a file");
    writeFileSync(here("tree/run"), "#!/bin/sh\n", { mode: 0o755 });
    writeFileSync(here("tree/below/deep"), "deep");
  });
  after(() => server.end());

  const create = (source: ValueMap, path: string) =>
    copyToRemote.create({ connection: server.connection, source, remotePath: there(path) }, context);

  it("puts a text into a file, with the folders above it, and anew at an update", async () => {
    await create(asset({ text: "first" }), "a/b/text");
    assert.equal(readFileSync(there("a/b/text"), "utf8"), "first");
    const inputs = { connection: server.connection, source: asset({ text: "2" }), remotePath: there("a/b/text") };
    await copyToRemote.update?.({ id: "x", oldInputs: {}, oldOutputs: {}, inputs }, context);
    assert.equal(readFileSync(there("a/b/text"), "utf8"), "2");
  });

  it("puts a file where the path says, and into a folder that is there", async () => {
    await create(asset({ path: here("file") }), "renamed");
    assert.equal(readFileSync(there("renamed"), "utf8"), "of a file");
    await create(asset({ path: here("file") }), "a");
    assert.equal(readFileSync(there("a/file"), "utf8"), "of a file");
  });

  it("puts a folder with all in it, its programs still to be run", async () => {
    await create(archive({ path: here("tree") }), "new");
    assert.equal(readFileSync(there("new/below/deep"), "utf8"), "deep");
    assert.equal(statSync(there("new/run")).mode & 0o777, 0o755);
    await create(archive({ path: here("tree") }), "a");
    assert.equal(readFileSync(there("a/tree/below/deep"), "utf8"), "deep");
  });

  it("says in one line what cannot be written there", async () => {
    await assert.rejects(
      create(archive({ path: here("tree") }), "renamed"),
      /renamed is a file there, and \S+tree is a folder$/,
    );
    await assert.rejects(
      create(asset({ text: "x" }), "a"),
      /there\/a is a folder there: give a text the path of a file$/,
    );
    await assert.rejects(create(asset({ text: "x" }), "renamed/below"), /renamed\/below cannot be written there: /);
    await assert.rejects(create(asset({ path: here("none") }), "none"), /ENOENT/);
  });

  it("refuses what is no source, and what is missing, by name", () => {
    const reasons = (given: ValueMap) =>
      copyToRemote
        .check(given, { name: "copy", oldInputs: undefined, autoName: () => "copy" })
        .failures.map(({ property, reason }) => `${property}: ${reason}`)
        .join("\n");
    assert.match(reasons({}), /connection: Missing required[^\n]*\nremotePath: Missing[^\n]*\nsource: Missing/);
    const rest = { connection: { host: "h" }, remotePath: "/x" };
    assert.match(reasons({ ...rest, source: "text" }), /source: source is "text": give a FileAsset, a StringAsset or/);
    assert.match(reasons({ ...rest, source: archive({ assets: {} }) }), /give a FileAsset, a StringAsset or/);
    assert.equal(reasons({ ...rest, source: asset({ text: "" }) }), "");
  });

  it("through the real engine: copied once, again when the file is another, and left there at the end", async () => {
    assert.equal(await missing(), undefined);
    const project = await Project.create(
      "copy",
      `
      import * as command from "@pulumi/command";
      import * as pulumi from "@pulumi/pulumi";
      import { readFileSync } from "node:fs";
      const privateKey = pulumi.secret(readFileSync(${JSON.stringify(join(server.ssh.folder, "user"))}, "utf8"));
      const connection = { host: "127.0.0.1", port: ${server.connection.port}, user: "root", privateKey };
      new command.remote.CopyToRemote("file", { connection, source: new pulumi.asset.FileAsset(${JSON.stringify(here("file"))}), remotePath: ${JSON.stringify(there("engine/file"))} });
      new command.remote.CopyToRemote("tree", { connection, source: new pulumi.asset.FileArchive(${JSON.stringify(here("tree"))}), remotePath: ${JSON.stringify(there("engine/tree"))} });
    `,
    );
    try {
      await project.must("up", "--yes", "--skip-preview");
      assert.equal(readFileSync(there("engine/tree/below/deep"), "utf8"), "deep");
      await project.must("up", "--yes", "--skip-preview", "--expect-no-changes");
      writeFileSync(here("file"), "another");
      await project.must("up", "--yes", "--skip-preview");
      assert.equal(readFileSync(there("engine/file"), "utf8"), "another");
      await project.must("up", "--yes", "--skip-preview", "--expect-no-changes");
    } finally {
      await project.dispose();
    }
    assert.equal(readFileSync(there("engine/file"), "utf8"), "another");
  });
});
