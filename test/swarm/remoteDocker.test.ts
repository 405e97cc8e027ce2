import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { catalogue } from "../../components/catalogue/index.ts";
import { selfSigned } from "../e2e/certificates.ts";
import { places } from "../e2e/places.ts";
import { setSecret } from "../e2e/secretSetting.ts";
import { ensureSharedImages } from "../e2e/sharedImages.ts";
import { TestEstate } from "../e2e/testEstate.ts";
import { Lab } from "../lab/lab.ts";
import type { LabHost } from "../lab/labHost.ts";
import { TlsAccess } from "../lab/tlsAccess.ts";

/** The docker target with its Docker on another host. */
describe("R-TGT-09: an estate on another Docker host", function () {
  this.timeout(300_000);
  const lab = new Lab("remote", { hosts: 2 });
  const stranger = new TlsAccess(mkdtempSync(join(tmpdir(), "another-authority-")));
  const path = `${lab.ssh.bin}:${process.env["PATH"] ?? ""}`;
  const { port, range } = places.remotedocker;
  const ways: { name: string; host: LabHost; env: Record<string, string> }[] = [
    { name: "over ssh", host: lab.host(1), env: { DOCKER_HOST: `ssh://root@${lab.host(1).address}`, PATH: path } },
    {
      name: "over TLS",
      host: lab.host(2),
      env: {
        DOCKER_HOST: `tcp://${lab.host(2).address}:2376`,
        DOCKER_TLS_VERIFY: "1",
        DOCKER_CERT_PATH: lab.tls.folder,
        PATH: path,
      },
    },
  ];

  before(async () => {
    const tags = await ensureSharedImages([catalogue.get("everything")].flatMap((each) => each ?? []));
    await lab.up();
    await lab.copyImages(tags);
    await stranger.create();
  });
  after(async () => {
    await lab.down();
    rmSync(dirname(stranger.folder), { recursive: true });
  });

  for (const { name, host, env } of ways) {
    it(`${name}: from the stack file to an answering estate, nothing to do on a second look, and down again`, async () => {
      const { certificate, key } = selfSigned("remote.example.org");
      const estate = new TestEstate("remotedocker", {
        host: { docker: host.docker, env, enter: (command) => lab.enter(command) },
        config: {
          "mcp-estate:gateway": { port, bind: host.address, tls: { certificate } },
          "mcp-estate:network": { range },
          "mcp-estate:servers": { everything: {} },
        },
      });
      await estate.during(async () => {
        await estate.pulumi("stack", "init");
        await setSecret(estate, "mcp-estate:gateway.tls.key", key);
        await estate.succeed("up", ["--yes"]);
        await estate.succeed("up", ["--yes", "--expect-no-changes"]);
        await estate.succeed("smoke");
        const { HostConfig } = await (await estate.container("everything")).inspect();
        assert.equal(HostConfig.PidsLimit, 32);
        await (await estate.container("everything")).update({ PidsLimit: 99 });
        const { stdout } = await estate.succeed("preview");
        assert.match(stdout, /everything +pids +32 +99/);
      });
    });
  }

  for (const [what, env, message] of [
    [
      "a host that is not there",
      { DOCKER_HOST: "ssh://root@198.18.0.77", PATH: path },
      /Docker does not answer at DOCKER_HOST="ssh:\/\/root@198\.18\.0\.77".*(No route to host|timed out)/,
    ],
    [
      "a host key that is not known",
      { DOCKER_HOST: `ssh://root@${lab.host(1).address}`, PATH: process.env["PATH"] ?? "" },
      /Docker does not answer at DOCKER_HOST.*Host key verification failed/,
    ],
    [
      "certificates that are not there",
      {
        DOCKER_HOST: `tcp://${lab.host(2).address}:2376`,
        DOCKER_TLS_VERIFY: "1",
        DOCKER_CERT_PATH: "/nowhere",
        PATH: path,
      },
      /Docker over TLS needs \/nowhere\/ca\.pem; let DOCKER_CERT_PATH name the folder/,
    ],
    [
      "certificates of another authority",
      {
        DOCKER_HOST: `tcp://${lab.host(2).address}:2376`,
        DOCKER_TLS_VERIFY: "1",
        DOCKER_CERT_PATH: stranger.folder,
        PATH: path,
      },
      /Docker does not answer at DOCKER_HOST="tcp:\S+:2376".*certificate/,
    ],
  ] as const) {
    it(`says in one line what is wrong with ${what}`, async () => {
      const estate = new TestEstate("remotedocker", {
        host: { docker: lab.host(1).docker, env, enter: (command) => lab.enter(command) },
        config: { "mcp-estate:network": { range }, "mcp-estate:servers": { everything: {} } },
      });
      await estate.create();
      const { code, output } = await estate.command("up", ["--yes"]);
      rmSync(estate.folder, { recursive: true });
      assert.notEqual(code, 0);
      assert.match(output, message);
    });
  }
});
