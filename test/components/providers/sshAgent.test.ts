import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const DOCKER = join(import.meta.dirname, "../../../components/providers/docker.ts");

/** A program of this folder's name stands in for ssh, and for the Docker behind it. */
describe("Docker over ssh", () => {
  const folder = mkdtempSync(join(tmpdir(), "ssh-agent-"));
  after(() => rmSync(folder, { recursive: true }));

  async function ask(ssh: string): Promise<string> {
    writeFileSync(join(folder, "ssh"), `#!${process.execPath}\n${ssh}`);
    chmodSync(join(folder, "ssh"), 0o755);
    const program = `
      import { connectTo } from ${JSON.stringify(DOCKER)};
      const docker = connectTo("ssh://somebody@far:2222");
      for (let turn = 0; turn < 2; turn += 1)
        console.log(await docker.ping().then((answer) => answer.toString(), (error) => error.message));
    `;
    const env = { ...process.env, PATH: `${folder}:${process.env["PATH"] ?? ""}` };
    const options = { env, timeout: 20_000 };
    return (await run(process.execPath, ["--input-type=module", "--eval", program], options)).stdout;
  }

  it("asks twice over one connection, whose idleness keeps no program from its end", async () => {
    const answer = "HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\n";
    const said = await ask(`let n = 0; process.stdin.on("data", () => process.stdout.write("${answer}" + "#" + ++n));`);
    assert.equal(said, "#1\n#2\n");
  });

  it("gives the words of an ssh that fails, with the address", async () => {
    const said = await ask(`console.error(process.argv.slice(2, 6).join(" ")); process.exit(255);`);
    const line =
      "Docker is not reachable at ssh://somebody@far:2222: ssh ended with exit code 255: -l somebody -p 2222\n";
    assert.equal(said, line.repeat(2));
  });
});
