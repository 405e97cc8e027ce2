import assert from "node:assert/strict";
import { capacityFailures, type Demand } from "../../../components/providers/hostCapacity.ts";

const host = { name: "box", memoryMiB: 1000, cpus: 2 };
const demand = (component: string, memoryReservationMiB: number, rest: Partial<Demand> = {}): Demand => ({
  component,
  memoryMiB: memoryReservationMiB,
  memoryReservationMiB,
  cpus: 1,
  ...rest,
});
const reasons = (demands: Demand[], allowOvercommit = false) =>
  capacityFailures({ demands, allowOvercommit }, host).map((failure) => failure.reason);

describe("host capacity (R-LIM-11, A-19)", () => {
  it("takes reservations up to the host's memory", () => {
    assert.deepEqual(reasons([demand("a", 600), demand("b", 400)]), []);
  });

  it("refuses one MiB more, naming the sum, the host and the largest", () => {
    assert.deepEqual(reasons([demand("a", 600), demand("b", 401)]), [
      "the reservations of 2 workloads add up to 1001 MiB and host box has 1000 MiB (largest: a 600, b 401); lower limits.memoryReservationMiB, declare fewer servers, or set mcp-estate:allowOvercommit to true",
    ]);
  });

  it("takes them where the user allows it", () => {
    assert.deepEqual(reasons([demand("a", 600), demand("b", 401)], true), []);
  });

  it("lets limits exceed the host in sum, not one by one", () => {
    assert.deepEqual(reasons([demand("a", 100, { memoryMiB: 900 }), demand("b", 100, { memoryMiB: 900 })]), []);
    assert.match(
      reasons([demand("a", 100, { memoryMiB: 1001 })])[0] ?? "",
      /^a: limits\.memoryMiB 1001 is more than the 1000 MiB/,
    );
  });

  it("refuses more processors than the host has, overcommit or not", () => {
    assert.match(
      reasons([demand("a", 100, { cpus: 3 })], true)[0] ?? "",
      /^a: limits\.cpus 3 is more than the 2 processors/,
    );
  });
});
