import assert from "node:assert/strict";
import { addressFailures, type PresentNetwork } from "../../../components/providers/addressPlan.ts";
import type { WantedBlock } from "../../../components/subnets.ts";

const block = (rest: Partial<WantedBlock> = {}): WantedBlock => ({
  network: "memory",
  setting: "mcp-estate:network.range",
  value: "10.201.0.0/16",
  subnet: "10.201.3.8/29",
  ...rest,
});
const network = (name: string, subnet: string, labels: Record<string, string> = {}): PresentNetwork => ({
  name,
  subnets: [subnet],
  labels,
});
const mark = (stack: string) => ({ "mcp-estate.estate": "mcp-estate", "mcp-estate.stack": stack });
const reasons = (present: PresentNetwork[], blocks = [block()]) =>
  addressFailures({ estate: "mcp-estate", stack: "dev", blocks }, present).map(({ reason }) => reason);

describe("addresses of the estate's networks (R-ARC-08)", () => {
  it("names the setting, its value, the network that has them, and what to do", () => {
    assert.deepEqual(reasons([network("mcp-estate-prod-memory-1", "10.201.3.8/29", mark("prod"))]), [
      'mcp-estate:network.range is 10.201.0.0/16: network memory would have 10.201.3.8/29 of it, and network mcp-estate-prod-memory-1 of stack "prod" has 10.201.3.8/29, which Docker gives to one network only; set mcp-estate:network.range to a range that nobody has, for example 10.202.0.0/16, or end the other',
    ]);
  });

  it("sees a larger network of a stranger, and proposes no range that is taken", () => {
    const found = reasons([network("bridge2", "10.201.0.0/17"), network("other", "10.202.9.0/24")]);
    assert.equal(found.length, 1);
    assert.match(found[0] ?? "", /network bridge2 has 10\.201\.0\.0\/17.*for example 10\.203\.0\.0\/16/);
  });

  it("takes its own networks, one that it adopts, neighbours in the same range, and IPv6", () => {
    assert.deepEqual(reasons([network("mine", "10.201.3.8/29", mark("dev"))]), []);
    assert.deepEqual(reasons([network("shop", "10.201.3.8/29")], [block({ dockerName: "shop" })]), []);
    assert.deepEqual(reasons([network("near", "10.201.3.16/29"), network("six", "fd00::/64")]), []);
  });
});
