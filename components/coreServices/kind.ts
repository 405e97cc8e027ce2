import type { Limits } from "../../runtime/contract/index.ts";

/** A program that servers keep their data in, or talk through: data only. */
export interface CoreServiceKind {
  name: string;
  /** One sentence for people. */
  description: string;
  debianPackages: readonly string[];
  /** Folder of a requirements.txt with hashes, relative to the project, installed into /app/site-packages. @default none */
  lockFolder?: string;
  /** Absolute paths that its image must hold. */
  requires: readonly string[];
  /**
   * Shell script: runs as its own account on a read-only file system, keeps its data below DATA_PATH, stays in front, ends on
   * SIGTERM, and takes changed secrets over on SIGHUP.
   */
  start: string;
  /** Shell script: exit 0 where it does what it is there for. */
  probe: string;
  /** Where it listens. */
  port: number;
  /** File below /run/secrets, which its own account alone can read → what it is. */
  secrets: Readonly<Record<string, string>>;
  limits: Limits;
  /** It does not start without System V's shared memory. @default false */
  sharedMemory?: true;
  /** What whoever declares it should know. */
  remarks?: string;
}

/** Where the volume of a core service is mounted. */
export const DATA_PATH = "/data";

/** Sets `memory` to MiB of the limit in force. */
const MEMORY = `memory=$(sed -n 's/.*"memoryMiB":\\([0-9]*\\).*/\\1/p' /run/secrets/contract.json)`;

/**
 * The frame of a start script.
 * @param functions of the shell: `server` runs in front, `answers` says when it takes questions, and `apply` gives it the
 *   secrets, at first and whenever they change. /tmp/applied, which a probe asks for, is there from the first time on.
 * @param stopSignal by which it ends at once and well.
 */
export function supervised(functions: string, stopSignal: "TERM" | "INT" = "TERM"): string {
  return `#!/bin/sh
set -eu
${MEMORY}
${functions.trim()}

changed=
trap 'changed=1' HUP
server &
pid=$!
trap 'kill -${stopSignal} $pid' TERM INT
until answers >/dev/null 2>&1; do
  kill -0 $pid || exit 1
  sleep 0.2
done
apply
touch /tmp/applied
while kill -0 $pid 2>/dev/null; do
  status=0
  # A signal ends the wait too.
  wait $pid || status=$?
  if [ -n "$changed" ]; then
    changed=
    apply || echo 'the changed secrets were not taken over' >&2
  fi
done
exit $status
`;
}
