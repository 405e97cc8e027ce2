import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { buildEngine, buildProgress } from "../../../scripts/lib/engineBuild.ts";
import { cleanUp, fakeProgram, listener, temporaryFolder } from "../support.ts";

describe("buildEngine", () => {
  afterEach(cleanUp);
  const consent = (): Promise<void> => Promise.resolve();

  /** A compiler that writes a program which says the version it was told to. */
  const compiler = (home: string, version: string): string =>
    `[ "$1" = version ] && echo go version go1.26.0 linux/amd64 && exit
     echo "$PWD $*" >> ${home}/calls
     while [ "$1" != -o ]; do shift; done
     printf '#!/bin/sh\\necho ${version}\\n' > "$2"; chmod +x "$2"`;

  it("compiles the module with the version inside, and leaves nothing else behind", async () => {
    const home = temporaryFolder();
    fakeProgram(home, "bin/go", compiler(home, "v3.255.0"));
    const folder = join(home, "engine");
    await buildEngine({
      folder,
      env: { HOME: home, PATH: `${home}/bin:/usr/bin:/bin` },
      say: () => undefined,
      consent,
    });
    assert.deepEqual(readdirSync(folder), ["pulumi"]);
    const call = readFileSync(join(home, "calls"), "utf8");
    assert.match(call, /-mod=readonly -trimpath/);
    assert.match(call, /common\/version\.Version=v3\.255\.0/);
    assert.match(call, /github\.com\/pulumi\/pulumi\/pkg\/v3\/cmd\/pulumi$/m);
  });

  it("does not keep a program of another version", async () => {
    const home = temporaryFolder();
    fakeProgram(home, "bin/go", compiler(home, "v3.1.0"));
    const folder = join(home, "engine");
    const build = buildEngine({
      folder,
      env: { HOME: home, PATH: `${home}/bin:/usr/bin:/bin` },
      say: () => undefined,
      consent,
    });
    await assert.rejects(build, /the built program says version "v3\.1\.0"/);
    assert.equal(existsSync(join(folder, "pulumi")), false);
  });

  it("gives the compiler's last lines when it fails", async () => {
    const home = temporaryFolder();
    fakeProgram(
      home,
      "bin/go",
      `[ "$1" = version ] && echo go version go1.26.0 && exit; echo "go: downloading a v1" >&2; echo "a.go:1: no" >&2; exit 2`,
    );
    const build = buildEngine({
      folder: join(home, "engine"),
      env: { HOME: home, PATH: `${home}/bin:/usr/bin:/bin` },
      say: () => undefined,
      consent,
    });
    await assert.rejects(build, /^Error: go build failed \(exit code 2\): a\.go:1: no$/);
  });

  it("counts modules, then packages", () => {
    const { said, say } = listener();
    const progress = buildProgress(say, 0, () => 65_000);
    progress("go: downloading github.com/a/b v1.2.3");
    progress("go: downloading github.com/c/d v1.2.3");
    progress("internal/abi");
    progress("# some/package warning: x");
    assert.deepEqual(said.slice(1, 3), [
      "building, 1 min 5 s: 2 modules downloaded",
      "building, 1 min 5 s: 1 of about 1655 packages compiled",
    ]);
    assert.equal(said.at(-1), said.at(-2));
  });
});
