import assert from "node:assert/strict";
import { connect, type PeerCertificate } from "node:tls";
import { askGateway } from "../../components/providers/smoke/gatewayClient.ts";
import { selfSigned } from "./certificates.ts";
import { eventually, TestEstate } from "./testEstate.ts";

describe("R-SEC-06: a published port with a certificate", function () {
  this.timeout(300_000);
  const first = selfSigned("first.example.org");
  const second = selfSigned("second.example.org");
  const estate = new TestEstate("tls", { config: { "mcp-estate:servers": { everything: {} } } });
  const gatewayUrl = `https://127.0.0.1:${estate.port}`;

  before(async () => {
    await estate.create();
    await estate.pulumi("stack", "init");
    await show(first);
    await estate.succeed("up", ["--yes"]);
  });
  after(() => estate.dispose());

  /** As a user does: the key as an encrypted setting. */
  async function show({ certificate, key }: typeof first): Promise<void> {
    for (const [path, value, kind] of [
      ["certificate", certificate, "--plaintext"],
      ["key", key, "--secret"],
    ] as const) {
      await estate.pulumi("config", "set", "--path", `mcp-estate:gateway.tls.${path}`, kind, "--", value);
    }
  }

  const ask = async (certificate: string) =>
    askGateway({ gatewayUrl, token: await estate.token(), certificate }, "/servers", { timeoutMs: 5000 });

  /** A client's own defaults would refuse an old version before the edge is asked. */
  const OLD = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT:@SECLEVEL=0" } as const;

  function shown(options: Partial<typeof OLD> = {}): Promise<PeerCertificate> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port: estate.port, host: "127.0.0.1", rejectUnauthorized: false, ...options }, () => {
        resolve(socket.getPeerCertificate());
        socket.destroy();
      });
      socket.on("error", reject);
    });
  }

  it("answers encrypted alone, by TLS 1.2 or newer, and up and smoke believe the declared certificate alone", async () => {
    assert.equal((await ask(first.certificate)).status, 200);
    await assert.rejects(ask(second.certificate), /does not answer/);
    await assert.rejects(fetch(`http://127.0.0.1:${estate.port}/health`));
    await assert.rejects(shown(OLD), /alert protocol version/);
    await estate.succeed("smoke");
    assert.equal(await estate.output("gatewayUrl"), gatewayUrl);
    const state = await estate.stateText();
    assert.ok(!state.includes("PRIVATE KEY"), "the key stands in clear in the state");
  });

  it("takes another certificate without a new container", async () => {
    const before = (await estate.container("edge")).id;
    await show(second);
    const { output } = await estate.succeed("up", ["--yes"]);
    assert.ok(!output.includes("PRIVATE KEY"));
    await eventually(async () => assert.equal((await shown()).subject.CN, "second.example.org"), 5_000);
    assert.equal((await ask(second.certificate)).status, 200);
    assert.equal((await estate.container("edge")).id, before);
  });
});
