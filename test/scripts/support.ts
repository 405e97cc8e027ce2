import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const folders: string[] = [];
const servers: Server[] = [];
const endings: (() => void)[] = [];

/** Runs something at the next `cleanUp`. */
export function later(end: () => void): void {
  endings.push(end);
}

/** A folder of its own, removed after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "mcp-estate-test-"));
  folders.push(folder);
  return folder;
}

export function write(folder: string, path: string, text: string): string {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

/** A program that is a shell script. */
export function fakeProgram(folder: string, name: string, script: string): string {
  const file = write(folder, name, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
  return file;
}

/** An HTTP server that answers each path with a body, 404 elsewhere. Listens on a free port, or on a unix socket. */
export async function fakeServer(answers: Record<string, () => unknown>, socketPath?: string): Promise<string> {
  const server = createServer((request, response) => {
    const answer = answers[new URL(request.url ?? "", "http://fake").pathname];
    const body = answer?.();
    response.statusCode = answer === undefined ? 404 : 200;
    response.end(Buffer.isBuffer(body) || typeof body === "string" ? body : JSON.stringify(body));
  });
  servers.push(server);
  await new Promise<void>((listening) => {
    if (socketPath === undefined) server.listen(0, "127.0.0.1", listening);
    else server.listen(socketPath, listening);
  });
  const address = server.address();
  return typeof address === "object" && address !== null
    ? `http://127.0.0.1:${address.port}`
    : `unix://${socketPath ?? ""}`;
}

/** Collects what is said. */
export function listener(): { said: string[]; say: (text: string) => void } {
  const said: string[] = [];
  return { said, say: (text) => void said.push(text) };
}

/** For `afterEach`: removes all that these helpers have made. */
export function cleanUp(): void {
  for (const end of endings.splice(0)) end();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}
