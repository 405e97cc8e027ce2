import { doesNotThrow, throws } from "node:assert/strict";
import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { checkHost } from "../../../runtime/wire/hostGuard.ts";

const RULES = { hosts: ["mcp.example.org"], origins: ["https://app.example.org"] };

function request(headers: Record<string, string>): IncomingMessage {
  const message = new IncomingMessage(new Socket());
  Object.assign(message.headers, headers);
  return message;
}

describe("DNS rebinding", () => {
  for (const host of [
    "localhost:11000",
    "127.0.0.1:1",
    "[::1]:1",
    "memory:8000",
    "10.0.0.7",
    "mcp.example.org",
    "MCP.example.org:443",
  ]) {
    it(`lets the Host ${host} pass`, () => doesNotThrow(() => checkHost(request({ host }), RULES)));
  }
  for (const host of ["evil.example", "evil.example:11000", "mcp.example.org.evil.example", ""]) {
    it(`refuses the Host "${host}"`, () => throws(() => checkHost(request({ host }), RULES), { status: 403 }));
  }
  it("refuses a request without Host", () => throws(() => checkHost(request({}), RULES), { status: 403 }));

  for (const origin of ["http://localhost:5173", "http://127.0.0.1", "https://app.example.org"]) {
    it(`lets the Origin ${origin} pass`, () => doesNotThrow(() => checkHost(request({ host: "a", origin }), RULES)));
  }
  for (const origin of ["https://evil.example", "null", "http://app.example.org", "http://10.0.0.7"]) {
    it(`refuses the Origin ${origin}`, () =>
      throws(() => checkHost(request({ host: "a", origin }), RULES), { status: 403 }));
  }
});
