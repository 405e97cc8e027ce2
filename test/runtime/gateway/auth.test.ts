import { deepEqual, equal, throws } from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hashToken } from "../../../runtime/contract/index.ts";
import { BearerAuth, readAuth } from "../../../runtime/gateway/auth.ts";
import { writeTokens } from "../gatewaySupport.ts";

const TOKEN = "0123456789abcdef-TOKEN";
const OTHER_TOKEN = "fedcba9876543210-TOKEN";
const NOON = Date.parse("2026-12-01T12:00:00Z");

describe("R-GW-14 R-SEC-02 bearer tokens", () => {
  const auth = new BearerAuth([
    { principal: "owner", sha256: hashToken(TOKEN) },
    { principal: "alice", sha256: hashToken(`${OTHER_TOKEN}-old`), expires: "2026-12-01T12:00:00Z" },
    { principal: "alice", sha256: hashToken(OTHER_TOKEN) },
  ]);
  const whose = (token: string, now?: number): string => auth.check(`Bearer ${token}`, now).principal;

  it("each says whose it is; several of one caller are valid at once", () =>
    deepEqual(
      [TOKEN, OTHER_TOKEN, `${OTHER_TOKEN}-old`].map((token) => whose(token, NOON - 1)),
      ["owner", "alice", "alice"],
    ));

  for (const wrong of [
    undefined,
    "",
    "Bearer",
    `Bearer ${TOKEN}x`,
    `Bearer ${TOKEN.slice(1)}`,
    `Bearer ${TOKEN.slice(0, -1)}`,
    `Bearer ${hashToken(TOKEN)}`,
    `Basic ${TOKEN}`,
    `Bearer ${TOKEN} x`,
  ]) {
    it(`${wrong ?? "none"} is refused`, () => throws(() => auth.check(wrong), { status: 401 }));
  }

  it("one that has expired is refused from that moment on, and what was shown with it no longer holds", () => {
    const credential = auth.check(`Bearer ${OTHER_TOKEN}-old`, NOON - 1);
    deepEqual([auth.accepts(credential, NOON - 1), auth.accepts(credential, NOON)], [true, false]);
    throws(() => whose(`${OTHER_TOKEN}-old`, NOON), { status: 401, message: "the bearer token has expired" });
  });

  it("what was shown to another gateway's tokens does not hold", () => {
    const credential = auth.check(`Bearer ${TOKEN}`);
    equal(new BearerAuth([{ principal: "bob", sha256: hashToken(TOKEN) }]).accepts(credential), false);
    equal(new BearerAuth([{ principal: "owner", sha256: hashToken(OTHER_TOKEN) }]).accepts(credential), false);
  });

  it("two callers with one token are refused", () =>
    throws(
      () => new BearerAuth(["alice", "bob"].map((principal) => ({ principal, sha256: hashToken(TOKEN) }))),
      /two tokens are the same/,
    ));

  it("they are read from their file, those of callers that the contract does not name left out", () => {
    const folder = mkdtempSync(join(tmpdir(), "auth-"));
    writeTokens(folder, { owner: TOKEN, alice: OTHER_TOKEN });
    const read = readAuth(folder, { tokensFile: "tokens.json" });
    equal(read.check(`Bearer ${TOKEN}`).principal, "owner");
    throws(() => read.check(`Bearer ${OTHER_TOKEN}`), { status: 401 });
    throws(() => readAuth(folder, { tokensFile: "none" }), /none cannot be read/);
  });

  it("a file with a token in clear is refused without a word of it", () => {
    const folder = mkdtempSync(join(tmpdir(), "auth-"));
    writeFileSync(
      join(folder, "clear.json"),
      JSON.stringify({ version: 1, tokens: [{ principal: "a", sha256: TOKEN }] }),
    );
    throws(
      () => readAuth(folder, { tokensFile: "clear.json" }),
      ({ message }: Error) => {
        equal(message.split("is not valid: ")[1], "tokens.0.sha256: 64 of 0-9 and a-f");
        return true;
      },
    );
  });
});
