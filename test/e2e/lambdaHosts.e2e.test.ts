import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { TestEstate } from "./testEstate.ts";
import { ensureSshServer } from "../lab/sshAccess.ts";
import { FakeLambda } from "../lambda/fakeApi.ts";
import { SSH_PORT, SshMachines } from "../lambda/sshMachines.ts";

const run = promisify(execFile);

/** At Lambda's own pace: one request a second, one launch in twelve. */
describe("npm run hosts: the machines of a stack, launched, told of and given back", function () {
  this.timeout(300_000);
  this.slow(120_000);
  const estate = new TestEstate("machines", { config: { "mcp-estate:servers": { memory: {} } } });
  const folder = mkdtempSync(join(tmpdir(), "mcp-estate-hosts-command-"));
  // The first step is done, by programs that say of the machine what the test wants.
  const answer = `case "$SSH_ORIGINAL_COMMAND" in
*join-token*) echo SWMTKN-1-x ;;
*"MiB are free"*) PATH=${join(folder, "bin")}:$PATH sh -c "$SSH_ORIGINAL_COMMAND" ;;
esac`;
  let machines: SshMachines;
  let fake: FakeLambda;

  before(async () => {
    await ensureSshServer();
    mkdirSync(join(folder, "machines"));
    machines = new SshMachines(join(folder, "machines"), "127.0.78", answer);
    mkdirSync(join(folder, "bin"));
    const program = (name: string, script: string) =>
      writeFileSync(join(folder, "bin", name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    program("hostname", `cat ${join(folder, "machines")}/$(echo "$SSH_CONNECTION" | cut -d " " -f 3).name`);
    program("df", `printf ' Avail\n %s\n' "$(cat ${join(folder, "free")})"`);
    writeFileSync(join(folder, "free"), "50000");
    fake = new FakeLambda({ machines, bootMs: 2000, terminatingMs: 2000 });
    await fake.listen();
    writeFileSync(join(folder, "key"), fake.token, { mode: 0o600 });
    await estate.create();
  });
  after(async () => {
    await estate.dispose();
    fake.close();
    machines.end();
    rmSync(folder, { recursive: true });
  });

  const configure = (changes: Record<string, unknown> = {}) =>
    estate.configure((config) => {
      config["mcp-estate:hosts"] = {
        lambda: {
          ...{
            tokenFile: join(folder, "key"),
            baseUrl: fake.baseUrl,
            user: "root",
            sshPort: SSH_PORT,
            regions: ["us-west-1"],
          },
          ...{ types: ["gpu_1x_a10"], maxHourlyPrice: 1, machines: { "gpu-1": {}, "gpu-2": {} } },
          ...changes,
        },
      };
    });

  it("a stack without machines, and an unknown verb, are one clear line", async () => {
    const none = await estate.command("hosts", ["up"]);
    assert.equal(none.code, 1);
    assert.match(
      none.output,
      /^error: stack "machines" names no machines: give mcp-estate:hosts, as docs\/lambda\.md shows$/m,
    );
    const verb = await estate.command("hosts", ["launch"]);
    configure();
    assert.match(
      (await estate.command("hosts", ["reach"])).output,
      /^error: stack "machines" has no machines yet: npm run hosts -- up --stack machines launches them$/m,
    );
    assert.match(verb.output, /^error: "launch" given; allowed are up, preview, refresh, reach, down$/m);
  });

  it("settings that cannot be are named by their keys, and nothing is launched", async () => {
    configure({ manager: "gpu-9", maxHourlyPrice: 1 });
    const { code, output } = await estate.command("hosts", ["preview"]);
    assert.notEqual(code, 0);
    assert.match(output, /mcp-estate:hosts\.lambda\.manager: "gpu-9" given; allowed are gpu-1, gpu-2/);
    configure({ regions: [] });
    assert.match((await estate.command("hosts", ["preview"])).output, /mcp-estate:hosts\.lambda\.regions: \[\] given/);
    assert.deepEqual(fake.launched, []);
  });

  it("launches them, says what they cost, and ssh gets there with what it keeps", async () => {
    configure();
    const { stdout } = await estate.succeed("hosts", ["up", "--yes"]);
    assert.match(stdout, /^mcp-estate-machines-gpu-1 +127\.0\.78\.1 +gpu_1x_a10 +us-west-1 +\$0\.75$/m);
    assert.match(stdout, /^in all +\$1\.50$/m);
    assert.match(stdout, /they are the nodes of the estate: npm run up -- --stack machines\.$/m);
    const kept = join(estate.folder, ".config/mcp-estate/hosts/machines");
    assert.equal(statSync(join(kept, "key")).mode & 0o777, 0o600);
    machines.sent("127.0.78.2");
    assert.deepEqual(JSON.parse(readFileSync(join(kept, "reach.json"), "utf8")), {
      managerHost: "ssh://root@127.0.78.1:22077",
      address: "127.0.78.1",
      nodes: {
        "mcp-estate-machines-gpu-1": { labels: { type: "gpu" } },
        "mcp-estate-machines-gpu-2": { host: "ssh://root@127.0.78.2:22077", labels: { type: "gpu" } },
      },
    });
    const options = ["-o", "BatchMode=yes", "-p", String(SSH_PORT)];
    await run(join(kept, "bin/ssh"), [...options, "root@127.0.78.2", "as a person would"]);
    assert.deepEqual(machines.sent("127.0.78.2"), ["as a person would"]);
    const requests = fake.requests.map(({ at }) => at);
    const gaps = requests.slice(1).map((at, index) => at - (requests[index] ?? 0));
    assert.ok(Math.min(...gaps) > 900, `two requests ${Math.min(...gaps)} ms apart`);
  });

  it("on another computer, reach notes it there as well", async () => {
    const kept = join(estate.folder, ".config/mcp-estate/hosts/machines");
    const before = readFileSync(join(kept, "reach.json"), "utf8");
    rmSync(kept, { recursive: true });
    const requests = fake.requests.length;
    const { stdout } = await estate.succeed("hosts", ["reach"]);
    assert.match(stdout, /^in all +\$1\.50$/m);
    assert.equal(readFileSync(join(kept, "reach.json"), "utf8"), before);
    assert.equal(fake.requests.length, requests);
  });

  it("a machine that does not become a node is given back, in one clear line; the others stay", async () => {
    const before = fake.billed().map(({ id }) => id);
    configure({ machines: { "gpu-1": {}, "gpu-2": {}, "gpu-3": {} } });
    writeFileSync(join(folder, "free"), "900");
    const { code, output } = await estate.command("hosts", ["up", "--yes"]);
    assert.notEqual(code, 0);
    assert.match(
      output,
      /only 900 MiB are free on \/ of mcp-estate-machines-gpu-3, 20480 are needed: make room, or take a type/,
    );
    assert.match(
      output,
      /^hosts: giving back what was launched and is no node: gpu-3 \(127\.0\.78\.3\); --keep keeps it/m,
    );
    assert.deepEqual(
      fake.billed().map(({ id }) => id),
      before,
    );
  });

  it("--keep keeps it for a look, and the next update goes on with it", async () => {
    const kept = await estate.command("hosts", ["up", "--yes", "--keep"]);
    assert.notEqual(kept.code, 0);
    assert.equal(fake.billed().length, 3);
    writeFileSync(join(folder, "free"), "50000");
    const launched = fake.launched.length;
    await estate.succeed("hosts", ["up", "--yes"]);
    assert.equal(fake.launched.length, launched);
    configure();
    // These machines have no Docker that could say what data it has.
    const unknown = await estate.command("hosts", ["up", "--yes"]);
    assert.equal(unknown.code, 1);
    assert.match(
      unknown.output,
      /^error: whether data of the estate would go with these machines is not known: mcp-estate-machines-gpu-3 \(.+\); npm run hosts -- refresh /m,
    );
    assert.equal(fake.billed().length, 3);
    await estate.succeed("hosts", ["up", "--yes", "--volumes"]);
    assert.equal(fake.billed().length, 2);
  });

  it("one that takes a lost one's place and does not become a node is given back as well", async () => {
    fake.end(fake.billed().find(({ name }) => name?.endsWith("gpu-2"))?.id ?? "");
    await estate.succeed("hosts", ["refresh", "--yes"]);
    writeFileSync(join(folder, "free"), "900");
    const { code, output } = await estate.command("hosts", ["up", "--yes"]);
    assert.notEqual(code, 0);
    assert.match(output, /^hosts: giving back what was launched and is no node: gpu-2 /m);
    assert.deepEqual(
      fake.billed().map(({ name }) => name),
      ["mcp-estate-machines-gpu-1"],
    );
    writeFileSync(join(folder, "free"), "50000");
    await estate.succeed("hosts", ["up", "--yes"]);
    assert.equal(fake.billed().length, 2);
  });

  it("gives none back whose data nobody can ask for here", async () => {
    rmSync(join(estate.folder, ".config/mcp-estate/hosts/machines"), { recursive: true });
    const { code, output } = await estate.command("hosts", ["down", "--yes"]);
    assert.equal(code, 1);
    assert.match(
      output,
      /is not known: mcp-estate-machines-gpu-1 \(how it is reached is not noted here\), mcp-estate-/,
    );
    assert.equal(fake.billed().length, 2);
  });

  it("gives all of them back, also when everything that can be made again is gone", async () => {
    rmSync(join(homedir(), ".cache/mcp-estate/hosts", Buffer.from(estate.folder).toString("base64url")), {
      recursive: true,
    });
    await estate.succeed("hosts", ["down", "--yes", "--volumes"]);
    assert.deepEqual(fake.billed(), []);
    assert.equal(fake.keys.size, 0);
    assert.ok(!existsSync(join(estate.folder, ".config/mcp-estate/hosts/machines")));
    estate.configure((config) => (config["mcp-estate:target"] = "swarm"));
    assert.match(
      (await estate.command("preview")).output,
      /^error: stack "machines" runs on machines of its own \(mcp-estate:hosts\), and how they are reached is not noted here: npm run hosts -- up --stack machines launches them, npm run hosts -- reach /m,
    );
    estate.configure((config) => (config["mcp-estate:target"] = "docker"));
  });
});
