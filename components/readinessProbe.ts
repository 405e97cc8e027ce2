import { SERVICE_PORT } from "../runtime/contract/index.ts";
import type { HealthSettings } from "./estateConfig.ts";
import type { ProbeSpec } from "./targets/index.ts";

/** Seconds before failed probes count: a cold start on two busy cores took under 10. */
const START_SECONDS = 30;

/**
 * Asks the program in the container for its latest functional result. curl is one process with one thread; a Node
 * one-liner would add eleven tasks to the pids limit while it runs.
 */
export function readinessProbe(health: HealthSettings, path = "/ready", port = SERVICE_PORT): ProbeSpec {
  return {
    command: ["/usr/bin/curl", "-fsS", "-o", "/dev/null", `http://127.0.0.1:${port}${path}`],
    intervalSeconds: health.intervalSeconds,
    timeoutSeconds: health.timeoutSeconds,
    failures: health.failures,
    startSeconds: START_SECONDS,
  };
}
