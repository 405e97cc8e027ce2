import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import type { LambdaError } from "../../../../components/providers/lambda/client.ts";
import { LambdaClient, LAMBDA_TIMING, UnknownOutcome } from "../../../../components/providers/lambda/client.ts";
import { nextTurn } from "../../../../components/providers/lambda/pace.ts";

const TIMING = { ...LAMBDA_TIMING, requestMs: 0, launchMs: 0, backOffMs: 1, longestBackOffMs: 4, timeoutMs: 300 };
const KEY = "key-of-the-client-test";

describe("Lambda's API, asked within its limits", function () {
  this.timeout(20_000);
  const folder = mkdtempSync(join(tmpdir(), "mcp-estate-lambda-"));
  const tokenFile = join(folder, "token");
  let server: Server | undefined;
  afterEach(() => server?.close());
  after(() => rmSync(folder, { recursive: true }));

  /** A client, and how often it has asked. */
  async function ask(
    answer: RequestListener,
    text = `${KEY}\n`,
  ): Promise<{ client: LambdaClient; asked: () => number }> {
    let count = 0;
    const made = createServer((request, response) => {
      count += 1;
      answer(request, response);
    });
    server = made;
    await new Promise<void>((resolve) => made.listen(0, "127.0.0.1", resolve));
    writeFileSync(tokenFile, text);
    const baseUrl = `http://127.0.0.1:${(made.address() as AddressInfo).port}`;
    return { client: new LambdaClient({ baseUrl, tokenFile }, TIMING), asked: () => count };
  }

  const refuse =
    (status: number, code: string): RequestListener =>
    (_request, response) =>
      void response.writeHead(status).end(JSON.stringify({ error: { code, message: "no", suggestion: "Try less." } }));

  it("shows the key of the file, and takes what stands in data", async () => {
    const { client } = await ask((request, response) => {
      response.end(JSON.stringify({ data: [request.headers.authorization, request.url] }));
    });
    assert.deepEqual(await client.get("/instances", z.array(z.string())), [`Bearer ${KEY}`, "/api/v1/instances"]);
  });

  for (const status of [429, 500, 503]) {
    it(`asks once more after ${status}, and later each time`, async () => {
      let left = 3;
      const { client, asked } = await ask((_request, response) => {
        response.writeHead(left-- > 0 ? status : 200).end(JSON.stringify({ data: 1 }));
      });
      assert.equal(await client.get("/x", z.int()), 1);
      assert.equal(asked(), 4);
    });
  }

  it("a change that may have been done is not done again: 5xx, silence, a broken connection, an answer that is none", async () => {
    for (const answer of [
      ((_request, response) => void response.writeHead(502).end()) as RequestListener,
      (() => undefined) as RequestListener,
      ((request) => void request.socket.destroy()) as RequestListener,
      ((_request, response) => void response.end("<html>")) as RequestListener,
    ]) {
      const { client, asked } = await ask(answer);
      await assert.rejects(client.change("POST", "/x", z.unknown()), UnknownOutcome);
      assert.equal(asked(), 1);
      server?.closeAllConnections();
      server?.close();
    }
  });

  it("a change that was refused for haste is done again", async () => {
    let left = 1;
    const { client, asked } = await ask((_request, response) => {
      if (left-- > 0) response.writeHead(429).end();
      else response.end(JSON.stringify({ data: 2 }));
    });
    assert.equal(await client.change("POST", "/x", z.int()), 2);
    assert.equal(asked(), 2);
  });

  it("a refusal keeps its code, and says what to do", async () => {
    const { client, asked } = await ask(refuse(403, "global/account-inactive"));
    await assert.rejects(client.get("/x", z.unknown()), (error: LambdaError) => {
      assert.equal(error.code, "global/account-inactive");
      assert.equal(error.message, "GET /x was refused (global/account-inactive): no Try less.");
      return true;
    });
    assert.equal(asked(), 1);
  });

  it("follows nobody elsewhere with the key", async () => {
    const { client } = await ask((_request, response) => {
      response.writeHead(301, { location: "http://127.0.0.1:9/elsewhere" }).end();
    });
    await assert.rejects(client.change("POST", "/x", z.unknown()), UnknownOutcome);
  });

  it("a file that is not there, or holds something else, is named", async () => {
    const { client } = await ask(() => undefined, "two words\n");
    await assert.rejects(client.get("/x", z.unknown()), /token is to hold the key of Lambda's API alone/);
    rmSync(tokenFile);
    const other = new LambdaClient({ baseUrl: "http://127.0.0.1:9", tokenFile }, TIMING);
    await assert.rejects(other.get("/x", z.unknown()), /token with the key of Lambda's API cannot be read/);
  });

  it("R-TGT: whoever asks, turns are apart by as much as Lambda allows, launches by more", async () => {
    const account = `turns ${Math.random()}`;
    const turns: Array<{ kind: string; at: number }> = [];
    const turn = async (kind: "request" | "launch"): Promise<void> => {
      await nextTurn(account, kind, { requestMs: 50, launchMs: 300 });
      turns.push({ kind, at: Date.now() });
    };
    await Promise.all([turn("launch"), turn("request"), turn("launch"), turn("request")]);
    const gaps = (of: Array<{ at: number }>) => of.slice(1).map(({ at }, index) => at - (of[index]?.at ?? 0));
    for (const gap of gaps(turns)) assert.ok(gap >= 45, `${gap} ms`);
    for (const gap of gaps(turns.filter(({ kind }) => kind === "launch"))) assert.ok(gap >= 290, `${gap} ms`);
  });
});
