import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { arch, platform } from "node:process";
import { downloadEngine } from "../../../scripts/lib/engineDownload.ts";
import { cleanUp, fakeProgram, fakeServer, temporaryFolder } from "../support.ts";

const archiveName = `pulumi-v3.255.0-${platform}-${arch}.tar.gz`;

function release(): Buffer {
  const folder = temporaryFolder();
  fakeProgram(folder, "pulumi/pulumi", "echo v3.255.0");
  fakeProgram(folder, "pulumi/pulumi-language-nodejs", "exit 0");
  spawnSync("tar", ["-czf", join(folder, "archive"), "-C", folder, "pulumi"]);
  return readFileSync(join(folder, "archive"));
}

describe("downloadEngine", () => {
  afterEach(cleanUp);
  const say = (): void => undefined;

  it("unpacks an archive that is the published one", async () => {
    const bytes = release();
    const sum = createHash("sha256").update(bytes).digest("hex");
    const releasesUrl = await fakeServer({
      "/pulumi-3.255.0-checksums.txt": () =>
        `${"0".repeat(64)}  pulumi-v3.255.0-plan9-x64.tar.gz\n${sum}  ${archiveName}\n`,
      [`/${archiveName}`]: () => bytes,
    });
    const folder = join(temporaryFolder(), "engine", "official");
    await downloadEngine({ folder, say, releasesUrl });
    assert.deepEqual(readdirSync(folder).sort(), ["pulumi", "pulumi-language-nodejs"]);
    assert.deepEqual(readdirSync(join(folder, "..")), ["official"]);
  });

  it("throws an archive away that is not", async () => {
    const releasesUrl = await fakeServer({
      "/pulumi-3.255.0-checksums.txt": () => `${"0".repeat(64)}  ${archiveName}\n`,
      [`/${archiveName}`]: () => release(),
    });
    const folder = join(temporaryFolder(), "official");
    await assert.rejects(
      downloadEngine({ folder, say, releasesUrl }),
      /has sha256 [0-9a-f]{64}, published is 0{64}: thrown away/,
    );
    assert.equal(existsSync(folder), false);
  });

  it("says which host cannot be reached, and what it answers otherwise", async () => {
    const folder = join(temporaryFolder(), "official");
    await assert.rejects(
      downloadEngine({ folder, say, releasesUrl: "http://127.0.0.1:1" }),
      /^Error: 127\.0\.0\.1:1 cannot be reached \(/,
    );
    const releasesUrl = await fakeServer({});
    await assert.rejects(downloadEngine({ folder, say, releasesUrl }), /checksums\.txt answers 404/);
  });
});
