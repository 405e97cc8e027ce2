import assert from "node:assert/strict";
import { loopbackFaults } from "../../components/peerAddresses.ts";

describe("addresses of peers (R-NET-07)", () => {
  for (const value of [
    "localhost",
    "LOCALHOST:5432",
    "http://localhost",
    "http://127.0.0.1:8000/x",
    "amqp://user:p%40ss@127.0.0.1:5672/x",
    "redis://[::1]:6379/0",
    "see http://127.1.2.3/ for more",
  ])
    it(`${value} is the container itself`, () => assert.equal(loopbackFaults("k", { A: value }).length, 1));

  for (const value of [
    "http://localhost.example.org/",
    "amqp://localhost@db:5672/x",
    "http://backend:8000/?from=localhost",
    "10.0.0.1",
    "a-localhost",
    "0.0.0.0",
    "true",
  ])
    it(`${value} is none`, () => assert.deepEqual(loopbackFaults("k", { A: value }), []));
});
