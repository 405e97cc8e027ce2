import assert from "node:assert/strict";
import { inSeconds, logLines, type LogLine } from "../../../runtime/collector/dockerLog.ts";
import { framed } from "./dockerStandIn.ts";

async function read(...chunks: Buffer[]): Promise<LogLine[]> {
  const lines: LogLine[] = [];
  // eslint-disable-next-line @typescript-eslint/require-await -- as Docker gives it
  async function* answer() {
    yield* chunks;
  }
  for await (const line of logLines(answer())) lines.push(line);
  return lines;
}

const AT = "2026-11-28T12:00:00.000000007Z";
const TIME = BigInt(Date.parse("2026-11-28T12:00:00Z")) * 1_000_000n + 7n;

describe("Docker's logs", () => {
  it("are lines with a stream and a time, wherever the answer is cut", async () => {
    const whole = Buffer.concat([framed("stdout", `${AT} out\r\n`), framed("stderr", `${AT} grün\n`)]);
    const wanted = [
      { stream: "stdout", nanoseconds: TIME, text: "out" },
      { stream: "stderr", nanoseconds: TIME, text: "grün" },
    ];
    for (let cut = 1; cut < whole.length; cut++)
      assert.deepEqual(await read(whole.subarray(0, cut), whole.subarray(cut)), wanted);
  });

  it("join what Docker has cut at 16 KiB, each stream by itself, and end at 256 KiB", async () => {
    const long = "x".repeat(16 << 10);
    const lines = await read(
      framed("stdout", `${AT} ${long}`),
      framed("stderr", `${AT} between\n`),
      framed("stdout", `${AT} end\n`),
    );
    assert.deepEqual(
      lines.map(({ text }) => text),
      ["between", `${long}end`],
    );
    const endless = Array.from({ length: 20 }, () => framed("stdout", `${AT} ${long}`));
    const [line] = await read(...endless, framed("stdout", `${AT} end\n`));
    assert.equal(line?.text.length, 256 << 10);
  });

  it("keep their time to the nanosecond", () => {
    assert.equal(inSeconds(TIME), `${Date.parse("2026-11-28T12:00:00Z") / 1000}.000000007`);
    assert.equal(inSeconds(0n), "0.000000000");
  });
});
