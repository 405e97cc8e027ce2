import assert from "node:assert/strict";
import { overlaps } from "../components/subnets.ts";
import { places, type Place } from "./e2e/places.ts";

describe("places of the end-to-end tests and benchmarks", () => {
  const all = Object.entries<Place>(places);

  it("have a port each", () => {
    assert.equal(new Set(all.map(([, { port }]) => port)).size, all.length);
  });

  it("have addresses each, so that what one has left is not in another's way", () => {
    const shared = all.flatMap(([name, { range }], index) =>
      all.slice(index + 1).flatMap(([other, theirs]) => (overlaps(range, theirs.range) ? [`${name}, ${other}`] : [])),
    );
    assert.deepEqual(shared, []);
  });
});
