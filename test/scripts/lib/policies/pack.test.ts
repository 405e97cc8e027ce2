import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import type { PackConfig } from "../../../../policy/config.ts";
import { resourceGroups, stackRules } from "../../../../policy/groups.ts";
import { rules } from "../../../../policy/rules/index.ts";
import { packArgs } from "../../../../scripts/lib/policies/pack.ts";
import { cleanUp, temporaryFolder } from "../../support.ts";

describe("what the engine is told of policies (R-SEC-10)", () => {
  after(cleanUp);
  const env = { XDG_CACHE_HOME: temporaryFolder() };

  async function told(config: PackConfig) {
    const [option, pack = "", configOption, file = ""] = await packArgs(config, env);
    assert.deepEqual([option, configOption], ["--policy-pack", "--policy-pack-config"]);
    return { pack, file, config: JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown> };
  }

  it("is one executable pack, bundled once", async () => {
    const first = await told({});
    assert.ok(statSync(first.pack).mode & 0o100);
    const bundle = statSync(first.pack.replace(/[^/]*$/, "pack.cjs"));
    const second = await told({});
    assert.deepEqual([second.pack, second.file], [first.pack, first.file]);
    assert.equal(statSync(first.pack.replace(/[^/]*$/, "pack.cjs")).mtimeMs, bundle.mtimeMs);
  });

  it("ends with the engine that started it, however that ends", async () => {
    const { pack } = await told({});
    // A pipe, as the engine's is; what Node gives its children are sockets.
    const pipe = join(temporaryFolder(), "stdin");
    spawnSync("mkfifo", [pipe]);
    const child = spawn("sh", ["-c", 'exec "$0" 127.0.0.1:1 < "$1"', pack, pipe], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const exited = once(child, "exit", { signal: AbortSignal.timeout(20_000) });
    try {
      const engine = await open(pipe, "w");
      const [port] = (await once(child.stdout, "data")) as [Buffer];
      assert.match(port.toString(), /^\d+\n$/);
      assert.equal(child.exitCode, null);
      await engine.close();
      assert.deepEqual(await exited, [0, null]);
    } finally {
      child.kill("SIGKILL");
    }
  });

  it("is the same settings for every group of rules, each rule in the groups of its types", async () => {
    const exemption = { policy: "limits", resource: "gateway", reason: "why", until: "2999-01-01" };
    const given = { production: true, exemptions: [exemption] };
    const exempted = await told(given);
    const groups = ["built-image", "container", "container-watch", "network", "pulled-image", "secret-files", "volume"];
    assert.deepEqual(Object.keys(exempted.config).sort(), [...groups, "exemptions", "stack"].sort());
    for (const [group, config] of Object.entries(exempted.config)) assert.deepEqual(config, given, group);
    const plain = await told({});
    assert.deepEqual(plain.config["container"], {});
    assert.notEqual(plain.file, exempted.file);

    const inGroups = [...resourceGroups.flatMap((group) => group.rules), ...stackRules];
    for (const rule of rules) {
      const times = "check" in rule ? rule.types.length : 1;
      assert.equal(inGroups.filter((each) => each === rule).length, times, rule.name);
    }
  });
});
