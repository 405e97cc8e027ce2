/** Runs test files with mocha in this process and tells the parent of each test. Started by testRun.ts. */
import Mocha from "mocha";
import { z } from "zod";
import { loadMochaOptions } from "./mochaOptions.ts";

export type MochaEvent = { type: "passed" | "failed" | "pending" | "end" };

/** Messages keep their order, so whoever has "end" has all before it. */
const tell = (type: MochaEvent["type"], sent: () => void = () => undefined): void => {
  process.send?.({ type } satisfies MochaEvent, sent);
};

// The parent has died: nobody is left to tell.
process.on("disconnect", () => process.exit(1));

const { files, grep } = z
  .object({ files: z.array(z.string()), grep: z.string().optional() })
  .parse(JSON.parse(process.argv[2] ?? "{}"));

const mocha = new Mocha({ ...loadMochaOptions(), reporter: "spec" });
for (const file of files) mocha.addFile(file);
if (grep !== undefined) mocha.grep(new RegExp(grep));
await mocha.loadFilesAsync();

const runner = mocha.run((failures) => {
  // A socket or timer that a test has left open keeps nobody waiting.
  tell("end", () => process.exit(failures > 0 ? 1 : 0));
});
runner
  .on(Mocha.Runner.constants.EVENT_TEST_PASS, () => {
    tell("passed");
  })
  .on(Mocha.Runner.constants.EVENT_TEST_FAIL, () => {
    tell("failed");
  })
  .on(Mocha.Runner.constants.EVENT_TEST_PENDING, () => {
    tell("pending");
  });
