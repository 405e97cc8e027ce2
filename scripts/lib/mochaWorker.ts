/** Runs test files with mocha in this process and tells the parent of each test. Started by testRun.ts. */
import Mocha from "mocha";
import { z } from "zod";
import { loadMochaOptions } from "./mochaOptions.ts";

export type MochaEvent =
  | { type: "passed" | "pending" | "end" }
  /** `why`: the error's first line. */
  | { type: "failed"; title: string; why: string };

/** Messages keep their order, so whoever has "end" has all before it. */
const tell = (event: MochaEvent, sent: () => void = () => undefined): void => {
  process.send?.(event, sent);
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
  tell({ type: "end" }, () => process.exit(failures > 0 ? 1 : 0));
});
runner
  .on(Mocha.Runner.constants.EVENT_TEST_PASS, () => {
    tell({ type: "passed" });
  })
  .on(Mocha.Runner.constants.EVENT_TEST_FAIL, (test: Mocha.Test, error: Error) => {
    const [why = ""] = error.message.split("\n");
    tell({ type: "failed", title: test.fullTitle(), why });
  })
  .on(Mocha.Runner.constants.EVENT_TEST_PENDING, () => {
    tell({ type: "pending" });
  });
