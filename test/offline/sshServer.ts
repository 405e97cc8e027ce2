import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { OperationContext } from "../../offline/plugins/resourceType.ts";
import type { ValueMap } from "../../offline/plugins/values.ts";
import { eventually } from "../e2e/testEstate.ts";
import { ensureSshServer, SshAccess } from "../lab/sshAccess.ts";

const START_MS = 10_000;

export interface SshServer {
  folder: string;
  ssh: SshAccess;
  /** The way there; known once it has started. */
  connection: ValueMap & { port?: number };
  /** Of an operation of a plugin; its lines are in `shown`. */
  context: OperationContext;
  shown: string[];
  start: () => Promise<void>;
  end: () => void;
}

/** A real ssh server of a test's own on loopback, in a folder of its own. @param options of sshd, beside the lab's */
export function sshServer(name: string, options: readonly string[] = []): SshServer {
  const folder = mkdtempSync(join(tmpdir(), `${name}-`));
  const ssh = new SshAccess(folder);
  const shown: string[] = [];
  const connection: SshServer["connection"] = {};
  let server: ChildProcess | undefined;
  return {
    folder,
    ssh,
    connection,
    shown,
    context: {
      config: {},
      urn: `urn:pulumi:test::test::command:remote::${name}`,
      cancelled: new AbortController().signal,
      timeoutSeconds: 0,
      log: (_severity, message) => shown.push(message),
    },
    async start() {
      await ensureSshServer();
      await ssh.create();
      mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
      const port = await freePort();
      const [program = "", ...args] = ssh.serverCommand("loopback", `127.0.0.1:${port}`, "unix:///nowhere", options);
      server = spawn(program, args, { stdio: "ignore" });
      await eventually(async () => {
        const socket = connect(port, "127.0.0.1");
        await once(socket, "connect");
        socket.destroy();
      }, START_MS);
      const key = (file: string) => readFileSync(join(ssh.folder, file), "utf8");
      const way = { host: "127.0.0.1", port, user: "root", privateKey: key("user"), hostKey: key("host.pub") };
      Object.assign(connection, way, { dialErrorLimit: 1 });
    },
    end() {
      server?.kill();
      rmSync(folder, { recursive: true });
    },
  };
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  return port;
}
