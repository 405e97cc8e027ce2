import assert from "node:assert/strict";
import { join } from "node:path";
import { dockerFault, ensureDocker } from "../../../scripts/lib/docker.ts";
import { cleanUp, fakeServer, temporaryFolder } from "../support.ts";

describe("ensureDocker", () => {
  afterEach(cleanUp);
  const say = (text: string): never => assert.fail(`said: ${text}`);
  const refuse = (): Promise<never> => Promise.reject(new Error("must not ask"));

  it("does nothing where a Docker answers", async () => {
    const host = await fakeServer({ "/_ping": () => "OK" }, join(temporaryFolder(), "docker.sock"));
    assert.equal(await dockerFault({ DOCKER_HOST: host }), undefined);
    const started = await ensureDocker({ env: { DOCKER_HOST: host }, say, consent: refuse });
    assert.deepEqual(started, { pid: undefined });
  });

  it("names a DOCKER_HOST that does not answer, and repairs nothing", async () => {
    const env = { DOCKER_HOST: "unix:///nowhere/docker.sock", PATH: process.env["PATH"] };
    await assert.rejects(ensureDocker({ env, say, consent: refuse }), {
      name: "UserError",
      message:
        'Docker does not answer at DOCKER_HOST="unix:///nowhere/docker.sock" (connect ENOENT /nowhere/docker.sock); start it there, or unset DOCKER_HOST for the local one at /var/run/docker.sock',
    });
  });

  it("does not take any other server for a Docker", async () => {
    const host = await fakeServer({}, join(temporaryFolder(), "docker.sock"));
    assert.equal((await dockerFault({ DOCKER_HOST: host }))?.message, "it answers 404");
  });
});
