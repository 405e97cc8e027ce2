import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { HidingPlace, Scene } from "./hidingPlace.ts";
import { openCanary } from "./planted.ts";
import { throwAwayContainer } from "./throwAway.ts";

const run = promisify(execFile);
/** Shorter than any process that does something. */
const SECONDS = "0.2";

/** What everybody, or at least root, sees of processes: those of commands, and those in containers. */
export function processPlaces({ estate, watch }: Scene): HidingPlace[] {
  /** Runs a container under watch for a moment. */
  async function inContainer(options: Parameters<typeof throwAwayContainer>[1]): Promise<void> {
    await watch.during(async () => {
      const container = await throwAwayContainer(estate, options);
      await new Promise((resolve) => setTimeout(resolve, 1000 * Number(SECONDS)));
      await container.remove({ force: true });
    });
  }

  return [
    {
      name: "command lines on the host, before, during and after updates",
      async leak() {
        const canary = openCanary();
        await watch.during(() => run("sh", ["-c", `sleep ${SECONDS}; :`, canary]));
        return { canary };
      },
      read: () => watch.commandLines(),
    },
    {
      name: "command lines in containers",
      async leak() {
        const canary = openCanary();
        await inContainer({ command: ["sh", "-c", "sleep 60; :", canary] });
        return { canary };
      },
      read: () => watch.commandLines(),
    },
    {
      name: "environments on the host, before, during and after updates",
      async leak() {
        const canary = openCanary();
        await watch.during(() => run("sleep", [SECONDS], { env: { ...process.env, LEAKED: canary } }));
        return { canary };
      },
      read: () => watch.environments(),
    },
    {
      name: "environments in containers",
      async leak() {
        const canary = openCanary();
        await inContainer({ environment: { LEAKED: canary } });
        return { canary };
      },
      read: () => watch.environments(),
    },
  ];
}
