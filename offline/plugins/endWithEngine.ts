import { fstatSync } from "node:fs";

/** The engine holds a pipe to our stdin and kills us at its end; when it was killed itself, the pipe ends and so do we. */
export function endWithEngine(cleanUp: () => void = () => undefined): void {
  if (!fstatSync(0).isFIFO()) return;
  process.stdin.on("end", () => {
    cleanUp();
    process.exit(0);
  });
  process.stdin.resume();
}
