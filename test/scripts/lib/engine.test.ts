import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { presentEngine, resolveEngine, type ResolveOptions } from "../../../scripts/lib/engine.ts";
import type { Environment } from "../../../scripts/lib/exec.ts";
import { resourcePlugins } from "../../../scripts/lib/versions.ts";
import { cleanUp, fakeProgram, listener, temporaryFolder, write } from "../support.ts";

describe("resolveEngine", () => {
  let home: string;
  let bin: string;
  let env: Environment;
  beforeEach(() => {
    home = temporaryFolder();
    bin = join(home, "bin");
    mkdirSync(bin);
    env = { PATH: `${bin}:/usr/bin:/bin`, HOME: home };
  });
  afterEach(cleanUp);
  const consent = (): Promise<void> => Promise.resolve();

  const cached = (...path: string[]): string => join(home, ".cache", "mcp-estate", "engine", "v3.255.0", ...path);
  const unavailable = (reason: string) => () => Promise.reject(new Error(reason));
  const forbidden = (): Promise<void> => Promise.reject(new Error("must not be tried"));
  const building: ResolveOptions["build"] = ({ folder }) => {
    fakeProgram(folder, "pulumi", "echo v3.255.0");
    return Promise.resolve();
  };

  it("takes a new enough pulumi on PATH, and asks it for its version once", async () => {
    const file = fakeProgram(bin, "pulumi", `echo asked >> ${home}/asked; echo v3.300.1`);
    mkdirSync(cached(), { recursive: true });
    const { say } = listener();
    const engine = { file, version: "3.300.1", origin: "PATH", official: false };
    assert.deepEqual(await resolveEngine({ say, consent, env, download: forbidden, build: forbidden }), engine);
    assert.deepEqual(await resolveEngine({ say, consent, env, download: forbidden, build: forbidden }), engine);
    fakeProgram(bin, "pulumi", "echo v3.300.20");
    assert.equal((await presentEngine(env, say))?.version, "3.300.20");
  });

  it("calls it official when its language host lies beside it and its plugins are there", async () => {
    fakeProgram(bin, "pulumi", "echo v3.255.0");
    fakeProgram(bin, "pulumi-language-nodejs", "exit 0");
    for (const { name, version } of resourcePlugins())
      write(home, `.pulumi/plugins/resource-${name}-v${version}/x`, "");
    assert.equal((await presentEngine(env, () => undefined))?.official, true);
  });

  it("takes the stand-ins with an official engine whose plugins cannot be had", async () => {
    const { said, say } = listener();
    fakeProgram(bin, "pulumi", `[ "$1" = version ] && echo v3.255.0 && exit; echo no route >&2; exit 1`);
    fakeProgram(bin, "pulumi-language-nodejs", "exit 0");
    assert.equal((await presentEngine(env, say))?.official, false);
    assert.equal(said.at(-1), "plugin command 1.2.1 cannot be had (no route): those of offline/ stand in");
  });

  it("passes over a pulumi that is too old, then downloads", async () => {
    const { said, say } = listener();
    const file = fakeProgram(bin, "pulumi", "echo v3.254.0");
    const engine = await resolveEngine({
      say,
      consent,
      env,
      download: ({ folder }) => {
        fakeProgram(folder, "pulumi", "echo v3.255.0");
        fakeProgram(folder, "pulumi-language-nodejs", "exit 0");
        for (const { name, version } of resourcePlugins())
          write(home, `.pulumi/plugins/resource-${name}-v${version}/x`, "");
        return Promise.resolve();
      },
      build: forbidden,
    });
    assert.deepEqual(engine, {
      file: cached("official", "pulumi"),
      version: "3.255.0",
      origin: "download",
      official: true,
    });
    assert.deepEqual(said, [`${file} is 3.254.0, needed is 3.255.0 or newer: not used`]);
  });

  it("builds when the download cannot be reached, and never again", async () => {
    const { said, say } = listener();
    const download = unavailable("get.pulumi.com cannot be reached (ENOTFOUND)");
    const engine = { file: cached("pulumi"), version: "3.255.0", origin: "build", official: false };
    assert.deepEqual(await resolveEngine({ say, consent, env, download, build: building }), engine);
    assert.deepEqual(await resolveEngine({ say, consent, env, download: forbidden, build: forbidden }), engine);
    assert.deepEqual(said, ["download: get.pulumi.com cannot be reached (ENOTFOUND)"]);
  });

  it("builds once when two ask at once", async () => {
    let builds = 0;
    const options: ResolveOptions = {
      say: () => undefined,
      consent,
      env,
      download: unavailable("unreachable"),
      build: async (build) => {
        builds++;
        await new Promise((later) => setTimeout(later, 30));
        await building(build);
      },
    };
    const [first, second] = await Promise.all([resolveEngine(options), resolveEngine(options)]);
    assert.deepEqual(first, second);
    assert.equal(builds, 1);
  });

  it("says in one line what was tried when there is no way to one", async () => {
    const options = {
      say: () => undefined,
      consent,
      env,
      download: unavailable("unreachable"),
      build: unavailable("no Go"),
    };
    await assert.rejects(resolveEngine(options), {
      name: "UserError",
      message:
        "no Pulumi engine is to be had (no pulumi ≥ 3.255.0 on PATH; download: unreachable; build: no Go); put pulumi ≥ 3.255.0 on PATH, or Go ≥ 1.25.11, or let this machine reach get.pulumi.com or a Go module proxy",
    });
  });

  it("does not take its own cached program for one of the user's", async () => {
    fakeProgram(cached(), "pulumi", "echo v3.255.0");
    const engine = await presentEngine({ ...env, PATH: `${cached()}:${env["PATH"] ?? ""}` }, () => undefined);
    assert.equal(engine?.origin, "build");
  });
});
