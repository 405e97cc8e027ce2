/**
 * The system calls of our own containers, tighter than Docker's own profile (docs/adr/0019-system-calls.md). The docker
 * provider takes the name of a file, here relative to the program's folder, and gives Docker what it holds. It compares
 * names, so a file is named after its content: another profile is another container.
 */
export const SECCOMP_FILE = "components/seccomp-d62863ee.json";

/** The same with System V's shared memory, which a container shares with nobody: PostgreSQL does not start without. */
export const SHARED_MEMORY_FILE = "components/seccomp-1dcf3240.json";

/** For a container's `securityOpts`. */
export const SECCOMP_OPTION = `seccomp=${SECCOMP_FILE}`;
export const SHARED_MEMORY_OPTION = `seccomp=${SHARED_MEMORY_FILE}`;
