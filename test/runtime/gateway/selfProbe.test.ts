import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { SelfProbe } from "../../../runtime/gateway/selfProbe.ts";

describe("the gateway's probe of itself", function () {
  this.timeout(20_000);
  let server: Server | undefined;
  let probe: SelfProbe | undefined;
  afterEach(() => {
    probe?.stop();
    server?.close();
  });

  /** What it tells of a server, from its first answer on. */
  async function told(answer: Parameters<typeof createServer>[1], times: number): Promise<number[]> {
    const seconds: number[] = [];
    const made = createServer(answer ?? (() => undefined));
    server = made;
    await new Promise<void>((resolve) => made.listen(0, "127.0.0.1", resolve));
    await new Promise<void>((resolve) => {
      probe = new SelfProbe((made.address() as AddressInfo).port, (each) => {
        seconds.push(each);
        if (seconds.length === times) resolve();
      });
      probe.start();
    });
    return seconds;
  }

  it("asks for /health about once a second, on one connection, and tells how long it took", async () => {
    const asked: string[] = [];
    const ports = new Set<number | undefined>();
    const seconds = await told((request, response) => {
      asked.push(request.url ?? "");
      ports.add(request.socket.remotePort);
      response.end("{}");
    }, 2);
    assert.deepEqual(asked, ["/health", "/health"]);
    assert.equal(ports.size, 1);
    assert.ok(seconds.every((each) => each > 0 && each < 1));
  });

  it("counts what a request waits for before it is read", async () => {
    const [first = 0] = await told((_request, response) => {
      // Nobody reads anything meanwhile.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
      response.end("{}");
    }, 1);
    assert.ok(first >= 0.3, String(first));
  });

  it("an answer that is none counts as the slowest of all", async () => {
    const seconds = await told((_request, response) => void response.writeHead(500).end(), 1);
    assert.deepEqual(seconds, [31]);
  });

  it("asks no more once it is stopped", async () => {
    let asked = 0;
    await told((_request, response) => {
      asked++;
      response.end();
    }, 1);
    probe?.stop();
    const before = asked;
    await sleep(1500);
    assert.equal(asked, before);
  });
});
