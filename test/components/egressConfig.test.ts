import assert from "node:assert/strict";
import { egressConfig, parseTarget } from "../../components/egressConfig.ts";

describe("R-NET-09 places outside", () => {
  it("are HOST:PORT, with a wildcard for names below a domain alone", () => {
    assert.deepEqual(parseTarget("Example.org:443"), { host: "example.org", port: 443 });
    assert.deepEqual(parseTarget("*.example.org:8080"), { host: "*.example.org", port: 8080 });
    assert.deepEqual(parseTarget("192.0.2.7:80"), { host: "192.0.2.7", port: 80 });
    for (const text of [
      ...["example.org", "example.org:", "example.org:0", "example.org:65536", "example.org:80.5", ":443", "*:443"],
      ...["*.*.org:1", "a*.example.org:1", "example.org/path:443", "https://example.org:443", "a b:1", "-a.org:1"],
      "example.org:443\nhttp_access allow all",
    ]) {
      assert.equal(parseTarget(text), undefined, text);
    }
  });

  it("are each for the server whose network it is, names only where they lead to no private address", () => {
    const config = egressConfig([
      { subnet: "10.1.2.0/29", targets: [{ host: "example.org", port: 443 }] },
      {
        subnet: "10.1.2.8/29",
        targets: [
          { host: "*.example.org", port: 8080 },
          { host: "192.0.2.7", port: 80 },
        ],
      },
    ]);
    const rules = config
      .split("\n")
      .filter((line) => /^acl (from|host|port)|^http_access (allow from|deny)/.test(line));
    assert.deepEqual(rules, [
      "http_access deny manager",
      "acl from0 src 10.1.2.0/29",
      "acl host0x0 dstdomain -n example.org",
      "acl port0x0 port 443",
      "http_access allow from0 host0x0 port0x0 !private",
      "acl from1 src 10.1.2.8/29",
      "acl host1x0 dstdom_regex -n -i ^[^.].*\\.example\\.org$",
      "acl port1x0 port 8080",
      "http_access allow from1 host1x0 port1x0 !private",
      "acl host1x1 dstdomain -n 192.0.2.7",
      "acl port1x1 port 80",
      "http_access allow from1 host1x1 port1x1",
      "http_access deny all",
    ]);
  });
});
