import assert from "node:assert/strict";
import { createServer } from "node:net";
import { join } from "node:path";
import { ensurePortIsOurs } from "../../../scripts/lib/ports.ts";
import { cleanUp, fakeServer, temporaryFolder } from "../support.ts";

describe("ensurePortIsOurs", () => {
  afterEach(cleanUp);

  async function withListener(test: (port: number) => Promise<void>): Promise<void> {
    const holder = createServer();
    await new Promise<void>((listening) => holder.listen(0, "127.0.0.1", listening));
    const address = holder.address();
    try {
      await test(typeof address === "object" && address !== null ? address.port : 0);
    } finally {
      holder.close();
    }
  }

  const docker = async (containers: unknown[]): Promise<{ DOCKER_HOST: string }> => ({
    DOCKER_HOST: await fakeServer({ "/containers/json": () => containers }, join(temporaryFolder(), "docker.sock")),
  });
  const container = (port: number, labels: Record<string, string>): unknown => ({
    Id: "0123456789abcdef",
    Names: ["/gateway-1"],
    Labels: labels,
    Ports: [{ PublicPort: port }],
  });
  const wanted = (port: number) => ({ port, bind: "127.0.0.1", key: "mcp-estate:gateway.port", stack: "dev" });

  it("is content with a free port, without asking Docker", async () => {
    let port = 0;
    await withListener((held) => Promise.resolve(void (port = held)));
    await ensurePortIsOurs(wanted(port), { DOCKER_HOST: "unix:///nowhere" });
  });

  it("is content with a port that this stack publishes already", () =>
    withListener(async (port) => {
      await ensurePortIsOurs(wanted(port), await docker([container(port, { "mcp-estate.stack": "dev" })]));
    }));

  it("names the port, the setting and what is allowed when another program holds it", () =>
    withListener(async (port) => {
      await assert.rejects(ensurePortIsOurs(wanted(port), await docker([])), {
        name: "UserError",
        message: `port ${port} on 127.0.0.1 is in use by another program; end that, or set mcp-estate:gateway.port to a free port (1 to 65535)`,
      });
    }));

  it("names the container and the stack that hold it", () =>
    withListener(async (port) => {
      const other = await docker([container(port, { "mcp-estate.stack": "prod" })]);
      await assert.rejects(
        ensurePortIsOurs(wanted(port), other),
        /in use by container gateway-1 of stack "prod"; end that/,
      );
      const foreign = await docker([container(port, {})]);
      await assert.rejects(ensurePortIsOurs(wanted(port), foreign), /in use by container gateway-1; end that/);
    }));
});
