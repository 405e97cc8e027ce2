import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expectedFacts, observedFacts } from "../../components/providers/containerFacts.ts";
import { SECCOMP_FILE, SECCOMP_OPTION, SHARED_MEMORY_FILE } from "../../components/seccomp.ts";

const root = join(import.meta.dirname, "../..");
const text = readFileSync(join(root, SECCOMP_FILE), "utf8");
const docker = JSON.parse(readFileSync(join(root, "test/golden/docker-seccomp.json"), "utf8")) as { names: string[] };

interface Profile {
  defaultAction: string;
  archMap: { subArchitectures: string[] }[];
  syscalls: { names: string[]; action: string; args?: { index: number; value: number }[] }[];
}
const profile = JSON.parse(text) as Profile;
const allowed = (withArgs: boolean) =>
  profile.syscalls
    .filter(({ action, args }) => action === "SCMP_ACT_ALLOW" && (args !== undefined) === withArgs)
    .flatMap(({ names }) => names);

describe("the profile of system calls (R-SEC-08)", () => {
  it("is named after its content, so that another one is another container", () => {
    const digest = createHash("sha256").update(text).digest("hex").slice(0, 8);
    assert.equal(SECCOMP_FILE, `components/seccomp-${digest}.json`);
  });

  it("that of databases adds System V's shared memory and nothing else", () => {
    const more = readFileSync(join(root, SHARED_MEMORY_FILE), "utf8");
    assert.equal(
      SHARED_MEMORY_FILE,
      `components/seccomp-${createHash("sha256").update(more).digest("hex").slice(0, 8)}.json`,
    );
    const { syscalls, ...rest } = JSON.parse(more) as Profile;
    const { syscalls: own, ...same } = profile;
    assert.deepEqual(rest, same);
    assert.deepEqual(syscalls.slice(1), own.slice(1));
    assert.deepEqual(
      syscalls[0]?.names.filter((name) => !own[0]?.names.includes(name)),
      ["shmat", "shmctl", "shmdt", "shmget"],
    );
  });

  it("allows nothing that Docker's own does not, and a good deal less", () => {
    assert.equal(profile.defaultAction, "SCMP_ACT_ERRNO");
    const all = [...allowed(false), ...allowed(true)];
    assert.deepEqual(
      all.filter((name) => !docker.names.includes(name)),
      [],
    );
    for (const name of ["ptrace", "process_vm_writev", "personality", "shmget", "mq_open", "io_setup", "vmsplice"]) {
      assert.ok(docker.names.includes(name) && !all.includes(name), name);
    }
  });

  it("knows no calls of 32 bits, and no sockets but local ones, IP and the kernel's own lists of addresses", () => {
    for (const { subArchitectures } of profile.archMap) assert.deepEqual(subArchitectures, []);
    assert.ok(!allowed(false).includes("socket"));
    const families = profile.syscalls.filter(({ names }) => names.includes("socket")).map(({ args }) => args?.[0]);
    assert.deepEqual(
      families.map((argument) => [argument?.index, argument?.value]),
      [1, 2, 10, 16].map((family) => [0, family]),
    );
  });

  it("is compared by what Docker was given", () => {
    const image = { Id: "sha256:a", Config: {} };
    const facts = expectedFacts({ image: "sha256:a", securityOpts: ["no-new-privileges", SECCOMP_OPTION] }, image);
    const info = (given: string) => ({
      Id: "0123456789abcdef",
      Name: "/x",
      Image: "sha256:a",
      Config: { Hostname: "x", Labels: {}, Env: [] },
      HostConfig: { SecurityOpt: [given, "no-new-privileges"] },
      NetworkSettings: { Networks: {} },
      Mounts: [],
    });
    const seen = (given: string) => observedFacts(info(given) as never)["securityOpts"];
    assert.deepEqual(seen(`seccomp=${JSON.stringify(profile)}`), facts["securityOpts"]);
    assert.notDeepEqual(seen(`seccomp=${JSON.stringify({ ...profile, syscalls: [] })}`), facts["securityOpts"]);
    assert.deepEqual(seen("seccomp=unconfined"), ["no-new-privileges", "seccomp=unconfined"]);
  });
});
