import assert from "node:assert/strict";
import { tlsFaults } from "../../components/tlsFaults.ts";
import { selfSigned } from "../e2e/certificates.ts";

describe("R-SEC-06 a published port", () => {
  const [own, other] = [selfSigned("estate.example.org"), selfSigned("other.example.org")];
  const faults = (bind: string, tls?: { certificate: string; key: string }, now?: Date) =>
    tlsFaults({ bind, tls }, "mcp-estate:gateway", now);

  it("needs a certificate for every bind but a loopback one", () => {
    assert.deepEqual([faults("127.0.0.1"), faults("127.0.0.2"), faults("0.0.0.0", own)], [[], [], []]);
    for (const bind of ["0.0.0.0", "192.0.2.7", "128.0.0.1"]) {
      assert.deepEqual(faults(bind), [
        `mcp-estate:gateway.bind: "${bind}" given without mcp-estate:gateway.tls, so that tokens would travel in clear; give tls.certificate and tls.key, or bind a loopback address (127.0.0.1) and let what encrypts run on this host`,
      ]);
    }
  });

  it("refuses what is no certificate, no key, the key of another, or has ended, and shows nothing of a key", () => {
    const wrong = [
      [faults("127.0.0.1", { ...own, certificate: "x" }), /tls\.certificate: .*no certificate/],
      [faults("127.0.0.1", { ...own, key: "hidden" }), /tls\.key: .*no private key/],
      [faults("127.0.0.1", { ...own, key: other.key }), /tls\.key: .*another certificate/],
      [faults("127.0.0.1", own, new Date(Date.now() + 3 * 24 * 3600 * 1000)), /tls\.certificate: it has ended on/],
    ] as const;
    for (const [found, message] of wrong) {
      assert.equal(found.length, 1);
      assert.match(found[0] ?? "", message);
      assert.doesNotMatch(found[0] ?? "", /hidden|PRIVATE KEY/);
    }
  });
});
