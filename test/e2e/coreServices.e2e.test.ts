import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { promisify } from "node:util";
import { coreServiceKinds } from "../../components/coreServices/index.ts";
import { setSecret } from "./secretSetting.ts";
import { docker, eventually, TestEstate } from "./testEstate.ts";

const run = promisify(execFile);
/** Names in the estate, by kind. */
const NAMES = { postgresql: "db", redis: "cache", rabbitmq: "broker", chromadb: "vectors" } as const;
const HEALTHY_MS = 60_000;
const DATABASE = "postgresql";

describe("Core services: databases, caches and brokers that an estate builds itself", function () {
  this.timeout(600_000);
  const estate = new TestEstate("core", {
    config: {
      "mcp-estate:health": { intervalSeconds: 2, timeoutSeconds: 2, failures: 2 },
      "mcp-estate:servers": {
        // A password that nobody has to know.
        postgres: { secretEnv: { DATABASE_URL: `${DATABASE}://reader:\${db.readerPassword}@db:5432/postgres` } },
        memory: {},
      },
      "mcp-estate:networks": { back: { subnet: "10.90.7.0/24", internal: true } },
      "mcp-estate:coreServices": Object.fromEntries(
        Object.entries(NAMES).map(([kind, name]) => [
          name,
          { kind, ...(name === "db" ? { servers: ["postgres"] } : { networks: ["back"] }) },
        ]),
      ),
    },
  });
  // A quote and a backslash are what a program would trip over.
  const passwords = Object.fromEntries(
    ["db", "cache", "broker"].map((name) => [name, `${randomBytes(9).toString("hex")}'"\\$x`]),
  );

  before(async () => {
    await estate.create();
    await estate.pulumi("stack", "init");
    for (const [name, password] of Object.entries(passwords)) {
      await setSecret(estate, `mcp-estate:coreServices.${name}.secrets.password`, password);
    }
    await estate.succeed("up", ["--yes"]);
  });
  after(() => estate.dispose());

  /** What was made of a password that nobody gave. */
  const readerPassword = async (): Promise<string> =>
    (await estate.output<Record<string, Record<string, string>>>("coreServiceSecrets"))["db"]?.["readerPassword"] ?? "";

  async function ask(sql: string): Promise<string> {
    const { status, body } = await estate.execute("postgres", "query", { sql });
    assert.equal(status, 200, JSON.stringify(body));
    return JSON.stringify(body);
  }

  async function inside(component: string, script: string): Promise<string> {
    const { code, output } = await estate.exec(component, ["/bin/sh", "-c", script]);
    assert.equal(code, 0, `${component}: ${script}: ${output}`);
    return output.trim();
  }

  /** As one of its callers, over the network. */
  const psql = (account: string, password: string, sql: string) =>
    estate.exec("db", [
      ...["/usr/bin/env", `PGPASSWORD=${password}`, "/usr/lib/postgresql/15/bin/psql", "-X", "-At"],
      ...["-h", "127.0.0.1", "-U", account, "-d", "postgres", "-c", sql],
    ]);
  const redis = (...command: string[]) =>
    inside("cache", `REDISCLI_AUTH="$(cat /run/secrets/password)" redis-cli ${command.join(" ")}`);
  const rabbit = (command: string) =>
    inside("broker", `HOME=/data RABBITMQ_NODENAME=rabbit@localhost /usr/lib/rabbitmq/bin/${command}`);
  const chroma = async (path: string, body?: object): Promise<unknown> => {
    const post = body ? `-X POST -H 'content-type: application/json' -d '${JSON.stringify(body)}'` : "";
    const url = `http://127.0.0.1:8000/api/v2/tenants/default_tenant/databases/default_database${path}`;
    return JSON.parse(await inside("vectors", `curl -fsS ${post} ${url}`));
  };

  const health = async (name: string): Promise<string | undefined> =>
    (await (await estate.container(name)).inspect()).State.Health?.Status;

  it("all kinds that are known are here", () => {
    assert.deepEqual(Object.keys(NAMES).sort(), [...coreServiceKinds.keys()].sort());
  });

  it("the postgres server answers a query on the declared PostgreSQL, with no Docker access", async () => {
    assert.match(await ask("SELECT version()"), /PostgreSQL 15\./);
    assert.match(await inside("postgres", "ls /var/run/docker.sock /run/docker.sock 2>&1 || true"), /No such file/);
    const { Config, HostConfig } = await (await estate.container("postgres")).inspect();
    assert.doesNotMatch(JSON.stringify([Config, HostConfig]), /docker\.sock|DOCKER_HOST/);
  });

  it("R-ARC-09: a server starts when its database answers, not when it has started", async () => {
    const server = await (await estate.container("postgres")).inspect();
    const log = (
      await (await estate.container("db")).logs({ stdout: true, stderr: true, timestamps: true })
    ).toString();
    const ready = /(\S+) \S.*database system is ready to accept connections/.exec(log)?.[1]?.replace(/^[^\d]*/, "");
    assert.ok(ready, log);
    assert.ok(Date.parse(server.State.StartedAt) > Date.parse(ready), `${server.State.StartedAt} and ${ready}`);
  });

  it("the account of the server reads and does not write; the other does both", async () => {
    const denied = await psql("reader", await readerPassword(), "CREATE TABLE public.no (x int)");
    assert.match(denied.output, /permission denied/);
    const made = await psql(
      "postgres",
      passwords["db"] ?? "",
      "CREATE TABLE kept (x int); INSERT INTO kept VALUES (42)",
    );
    assert.equal(made.code, 0, made.output);
    assert.match(await ask("SELECT x FROM kept"), /42/);
    const wrong = await psql("postgres", "wrong", "SELECT 1");
    assert.match(wrong.output, /password authentication failed/);
  });

  it("each does what it is there for", async () => {
    assert.equal(await redis("set", "kept", "here"), "OK");
    assert.match(await inside("cache", "redis-cli get kept"), /NOAUTH/);
    const amqp = await rabbit(`rabbitmqctl --quiet authenticate_user estate <<'END'\n${passwords["broker"]}\nEND`);
    assert.match(amqp, /Success/);
    await rabbit(`rabbitmqctl --quiet add_vhost kept`);
    await chroma("/collections", { name: "kept" });
  });

  it("R-HLT: its health is an answer of its own kind: a program that hangs is not well", async () => {
    for (const name of Object.values(NAMES)) {
      await eventually(async () => assert.equal(await health(name), "healthy"), HEALTHY_MS);
    }
    const pid = await inside("cache", "pidof redis-server");
    await inside("cache", `kill -STOP ${pid}`);
    await eventually(async () => assert.equal(await health("cache"), "unhealthy"), HEALTHY_MS);
    await inside("cache", `kill -CONT ${pid}`);
    await eventually(async () => assert.equal(await health("cache"), "healthy"), HEALTHY_MS);
  });

  it("R-NET-04: nobody reaches it but who is declared, and it reaches nothing outside", async () => {
    const { NetworkSettings } = await (await estate.container("db")).inspect();
    /** Seconds until it was connected; 0 where it never was. */
    const connected = async (from: string, host: string): Promise<number> => {
      const command = ["/usr/bin/curl", "-s", "-m", "2", "-w", "%{time_connect}", `telnet://${host}:5432`];
      return Number((await estate.exec(from, command)).output);
    };
    for (const { IPAddress } of Object.values(NetworkSettings.Networks))
      assert.equal(await connected("memory", IPAddress), 0, IPAddress);
    assert.equal(await connected("memory", "db"), 0, "the name is known");
    assert.ok((await connected("postgres", "db")) > 0, "it is reached by whom it is for");
    for (const name of Object.values(NAMES)) {
      const { NetworkSettings: own, HostConfig } = await (await estate.container(name)).inspect();
      for (const network of Object.keys(own.Networks))
        assert.ok(((await docker.getNetwork(network).inspect()) as { Internal: boolean }).Internal, network);
      assert.deepEqual(HostConfig.PortBindings, {});
    }
  });

  it("R-SEC-05: no password in what Docker shows, in logs, in images, nor in the state", async () => {
    const canaries = [...Object.values(passwords).map((password) => password.slice(0, 18)), await readerPassword()];
    for (const name of Object.values(NAMES)) {
      const { stdout: inspected } = await run("docker", ["inspect", (await estate.container(name)).id]);
      const log = (await (await estate.container(name)).logs({ stdout: true, stderr: true })).toString();
      for (const canary of canaries) {
        assert.ok(!inspected.includes(canary), name);
        assert.ok(!log.includes(canary), log);
      }
    }
    const state = await estate.stateText();
    for (const canary of canaries) assert.ok(!state.includes(canary));
  });

  it("R-SEC-09: a password is exchanged while it runs, and the old one ends", async () => {
    const before = (await (await estate.container("db")).inspect()).State.StartedAt;
    const old = await readerPassword();
    await setSecret(estate, "mcp-estate:coreServices.db.secrets.readerPassword", "second");
    await estate.succeed("up", ["--yes"]);
    await eventually(async () => assert.match(await ask("SELECT 6 * 7 AS answer"), /42/), HEALTHY_MS);
    assert.match((await psql("reader", old, "SELECT 1")).output, /password authentication failed/);
    assert.equal((await (await estate.container("db")).inspect()).State.StartedAt, before);
  });

  it("R-VOL-01: data outlives a container, and a server is not replaced with its database", async () => {
    const server = (await estate.container("postgres")).id;
    for (const name of Object.values(NAMES)) {
      await estate.pulumi("config", "set", "--path", `mcp-estate:coreServices.${name}.limits.pids`, "150");
    }
    // nproc is at least twice pids.
    for (const name of Object.values(NAMES)) {
      await estate.pulumi("config", "set", "--path", `mcp-estate:coreServices.${name}.limits.nproc`, "301");
    }
    const old = await Promise.all(Object.values(NAMES).map(async (name) => (await estate.container(name)).id));
    await estate.succeed("up", ["--yes"]);
    for (const [index, name] of Object.values(NAMES).entries())
      assert.notEqual((await estate.container(name)).id, old[index], name);
    assert.equal((await estate.container("postgres")).id, server);
    await eventually(async () => assert.match(await ask("SELECT x FROM kept"), /42/), HEALTHY_MS);
    assert.equal(await redis("get", "kept"), "here");
    assert.match(await rabbit("rabbitmqctl --quiet list_vhosts"), /kept/);
    assert.deepEqual(
      ((await chroma("/collections")) as Array<{ name: string }>).map(({ name }) => name),
      ["kept"],
    );
  });

  it("a second update and a refresh have nothing to change", async () => {
    await estate.succeed("up", ["--yes", "--expect-no-changes"]);
    await estate.succeed("refresh", ["--yes", "--expect-no-changes"]);
  });
});
