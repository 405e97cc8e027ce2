import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectDir } from "../../../scripts/lib/paths.ts";
import { engineVersion, isAtLeast, oldestGo, parseVersion, resourcePlugins } from "../../../scripts/lib/versions.ts";

describe("versions", () => {
  it("finds the version in what programs say", () => {
    assert.equal(parseVersion("v3.255.0"), "3.255.0");
    assert.equal(parseVersion("go version go1.26.8 linux/amd64"), "1.26.8");
    assert.equal(parseVersion("go version go1.26 linux/amd64"), "1.26");
    assert.equal(parseVersion("no version"), undefined);
  });

  it("compares by numbers, not by letters", () => {
    assert.equal(isAtLeast("3.255.0", "3.255.0"), true);
    assert.equal(isAtLeast("3.1000.0", "3.255.0"), true);
    assert.equal(isAtLeast("4.0.0", "3.255.0"), true);
    assert.equal(isAtLeast("3.254.9", "3.255.0"), false);
    assert.equal(isAtLeast("1.9.9", "1.25.11"), false);
    assert.equal(isAtLeast("1.26", "1.25.11"), true);
  });

  it("agrees with package.json and with the Go module that builds the engine", () => {
    const { dependencies } = JSON.parse(readFileSync(join(projectDir, "package.json"), "utf8")) as {
      dependencies: Record<string, string>;
    };
    const goModule = readFileSync(join(projectDir, "offline", "engine", "go.mod"), "utf8");
    assert.equal(dependencies["@pulumi/pulumi"], engineVersion);
    assert.match(goModule, new RegExp(`github.com/pulumi/pulumi/pkg/v3 v${engineVersion}\\b`));
    assert.match(goModule, new RegExp(`^go ${oldestGo}$`, "m"));
  });

  it("knows the plugins of the program", () => {
    assert.deepEqual(resourcePlugins(), [
      { name: "command", version: "1.2.1" },
      { name: "docker", version: "5.2.0" },
      { name: "random", version: "4.21.2" },
    ]);
  });
});
