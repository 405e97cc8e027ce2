import assert from "node:assert/strict";
import { duration, table, throttled } from "../../../scripts/lib/log.ts";

describe("log", () => {
  it("says durations as people do", () => {
    assert.equal(duration(840), "0.8 s");
    assert.equal(duration(12_400), "12 s");
    assert.equal(duration(204_000), "3 min 24 s");
    assert.equal(duration(119_700), "2 min 0 s");
  });

  it("lays out columns under their headers", () => {
    assert.equal(
      table(
        ["SERVER", "STATE"],
        [
          ["memory", "healthy"],
          ["sequential-thinking", "starting"],
        ],
      ),
      [
        "SERVER               STATE",
        "───────────────────  ────────",
        "memory               healthy",
        "sequential-thinking  starting",
      ].join("\n"),
    );
  });

  it("drops lines within the interval", async () => {
    const said: string[] = [];
    const say = throttled((text) => void said.push(text), 20);
    say("too soon");
    await new Promise((later) => setTimeout(later, 30));
    say("in time");
    say("too soon again");
    assert.deepEqual(said, ["in time"]);
  });
});
