import assert from "node:assert/strict";
import fc from "fast-check";
import { allocateSubnets, bridgeAddress, isSubnet, isSubnetRange, overlaps } from "../../components/subnets.ts";

describe("allocateSubnets (design decision 14)", () => {
  it("gives a name the same /29 whatever else is declared", () => {
    const alone = allocateSubnets("10.201.0.0/16", ["memory"]).get("memory");
    const among = allocateSubnets("10.201.0.0/16", ["fetch", "memory", "everything"]).get("memory");
    assert.equal(among, alone);
  });

  it("never gives two names the same block, and stays in the range", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.stringMatching(/^[a-z]{1,8}$/), { minLength: 1, maxLength: 32 }), (names) => {
        const blocks = [...allocateSubnets("10.9.8.0/24", names).values()];
        assert.equal(new Set(blocks).size, names.length);
        for (const block of blocks)
          assert.match(block, /^10\.9\.8\.(0|8|16|24|32|40|48|56|64|72|80|88|96|1\d\d|2\d\d)\/29$/);
      }),
    );
  });

  it("fills a range to the last block and refuses one more", () => {
    const names = Array.from({ length: 32 }, (_, i) => `s${i}`);
    assert.equal(new Set(allocateSubnets("10.9.8.0/24", names).values()).size, 32);
    assert.throws(
      () => allocateSubnets("10.9.8.0/24", [...names, "one-more"]),
      /10\.9\.8\.0\/24 holds 32 networks.*33/,
    );
  });

  it("takes the range that an address lies in", () => {
    assert.equal(allocateSubnets("10.9.8.77/24", ["a"]).get("a")?.startsWith("10.9.8."), true);
  });

  it("refuses what is no range", () => {
    for (const range of ["", "10.0.0.0", "10.0.0/16", "10.0.0.256/16", "10.0.0.0/25", "10.0.0.0/7"]) {
      assert.equal(isSubnetRange(range), false, range);
    }
  });

  it("gives the bridge the first address of a block", () => {
    assert.equal(bridgeAddress("10.9.8.248/29"), "10.9.8.249");
  });
});

describe("blocks of the user's own networks", () => {
  it("takes blocks with room for containers and nothing else", () => {
    assert.deepEqual(
      ["10.90.0.0/24", "172.18.0.0/16", "10.0.0.8/29", "10.0.0.0/30", "10.0.0.0/7", "10.0.0.300/24", "10.0.0.0"].map(
        isSubnet,
      ),
      [true, true, true, false, false, false, false],
    );
  });

  it("overlap where they share an address, whichever is larger", () => {
    assert.equal(overlaps("10.201.3.0/24", "10.201.0.0/16"), true);
    assert.equal(overlaps("10.0.0.0/8", "10.201.0.0/16"), true);
    assert.equal(overlaps("10.200.0.0/16", "10.201.0.0/16"), false);
    assert.equal(overlaps("10.202.0.0/16", "10.201.0.0/16"), false);
  });
});
