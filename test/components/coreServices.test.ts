import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { catalogue } from "../../components/catalogue/index.ts";
import { coreServiceKinds } from "../../components/coreServices/index.ts";
import { resolveEstate } from "../../components/estateConfig.ts";
import { imageTag, coreServiceRecipe } from "../../components/imageRecipe.ts";
import { only, recordResources, type Declared } from "./engineMocks.ts";

const CANARY = "canary-of-the-database";
const DB = { kind: "postgresql", secrets: { password: CANARY } };
const ROOM = "which has addresses for";

function resolve(coreServices: Record<string, unknown>, more: Record<string, unknown> = {}) {
  return resolveEstate(
    {
      servers: { memory: {}, everything: {}, time: {} },
      networks: { back: { subnet: "10.90.0.0/24" } },
      coreServices,
      ...more,
    },
    catalogue,
  );
}

function refusal(coreServices: Record<string, unknown>, more: Record<string, unknown> = {}): string {
  try {
    resolve(coreServices, more);
  } catch (error) {
    return (error as Error).message;
  }
  assert.fail("it was taken");
}

describe("settings of core services", () => {
  it("the kind gives what the stack leaves open", () => {
    const [db] = resolve({
      db: { ...DB, limits: { memoryMiB: 2048 }, servers: ["everything"], hostPort: 15432 },
    }).coreServices;
    assert.equal(db?.kind, coreServiceKinds.get("postgresql"));
    assert.deepEqual(db?.limits, { ...db?.kind.limits, memoryMiB: 2048 });
    assert.equal(db?.hostPort, 15432);
  });

  for (const [what, settings, more, message] of [
    ["an unknown kind", { db: { kind: "mysql" } }, {}, /coreServices\.db\.kind: "mysql" given; .*postgresql/],
    [
      "an unknown secret",
      { db: { ...DB, secrets: { password: "a", pasword: "b" } } },
      {},
      /secrets\.pasword: unknown; postgresql takes password, readerPassword/,
    ],
    [
      "a secret of two lines",
      { db: { kind: "redis", secrets: { password: "a\nb" } } },
      {},
      /secrets\.password: a secret given; one line of text/,
    ],
    [
      "an unknown server",
      { db: { ...DB, servers: ["other"] } },
      {},
      /coreServices\.db\.servers: there is no server "other"; known are memory, everything, time/,
    ],
    [
      "an unknown network",
      { db: { ...DB, networks: ["front"] } },
      {},
      /coreServices\.db\.networks: there is no network "front".*known are back/,
    ],
    ["the name of a server", { memory: DB }, {}, /coreServices\.memory: "memory" is the name of another part/],
    [
      "the name of a service",
      { db: DB },
      { services: { db: { image: "x", limits: coreServiceKinds.get("redis")?.limits } } },
      /services\.db: "db" is the name/,
    ],
    [
      "the gateway's port",
      { db: { ...DB, hostPort: 11000 } },
      {},
      /coreServices\.db\.hostPort: 11000 is that of the gateway/,
    ],
    [
      "the port of another",
      { db: { ...DB, hostPort: 15432 }, more: { ...DB, hostPort: 15432 } },
      {},
      /coreServices\.more\.hostPort: 15432 is that of core service db/,
    ],
    [
      "limits that deny one another",
      { db: { ...DB, limits: { memoryMiB: 100 } } },
      {},
      /coreServices\.db\.limits\.memoryReservationMiB: 256 is more/,
    ],
    [
      "a swarm",
      { db: DB },
      { target: "swarm", gateway: { bind: "0.0.0.0", tls: { certificate: "x", key: "y" } } },
      /coreServices\.db: given; target swarm runs no such services yet/,
    ],
  ] as const) {
    it(`refuses ${what}`, () => {
      const text = refusal(settings, more);
      assert.match(text, message);
      assert.ok(!text.includes(CANARY));
    });
  }

  for (const [what, server, message] of [
    [
      "an unknown service",
      { secretEnv: { A: "${cache.password}" } },
      /everything\.secretEnv\.A: there is no core service "cache"; known are db/,
    ],
    [
      "an unknown secret of it",
      { secretEnv: { A: "${db.pass}" } },
      /secretEnv\.A: db has no secret "pass"; it has password, readerPassword/,
    ],
    [
      "one that it does not reach",
      { secretEnv: { A: "x ${db.password}" } },
      /secretEnv\.A: names a secret of db, which it does not reach; mcp-estate:coreServices\.db\.servers: \[everything\]/,
    ],
    [
      "one in clear",
      { env: { A: "${db.password}" } },
      /env\.A: names a secret of a core service; secretEnv is the place/,
    ],
  ] as const) {
    it(`a variable that names ${what} is refused`, () => {
      assert.match(refusal({ db: DB }, { servers: { everything: server } }), message);
    });
  }

  it("a secret variable may name secrets of what it reaches", async () => {
    const { withReferences } = await import("../../components/coreServiceSecrets.ts");
    const values = withReferences(
      { URL: "db://${db.password}@db/${db.other}", PLAIN: "$x {y}" },
      new Map([["db", { password: pulumi.secret("s3cret") }]]),
    );
    assert.equal(values["PLAIN"], "$x {y}");
    assert.ok(pulumi.Output.isInstance(values["URL"]));
    assert.equal(
      await new Promise((resolve) => pulumi.output(values["URL"]).apply(resolve)),
      "db://s3cret@db/${db.other}",
    );
    assert.equal(await pulumi.isSecret(pulumi.output(values["URL"])), true);
  });

  it("as many join a server's network as it has addresses, the way out included", () => {
    const two = { db: { ...DB, servers: ["everything"] }, other: { ...DB, servers: ["everything"] } };
    assert.match(refusal(two), new RegExp(`servers\\.everything: db, other are to join its network, ${ROOM} 1`));
    resolve({ db: { ...DB, servers: ["everything"] } });
    const egress = { servers: { everything: { egress: ["example.org:443"] } } };
    assert.match(refusal({ db: { ...DB, servers: ["everything"] } }, egress), new RegExp(`db, egress are .*${ROOM} 1`));
    // It keeps data: no second container beside it.
    resolve({ db: { ...DB, servers: ["memory"] }, other: { ...DB, servers: ["memory"] } });
    const instances = { servers: { everything: { instances: 3 } } };
    assert.match(refusal({ db: { ...DB, servers: ["everything"] } }, instances), new RegExp(`db are .*${ROOM} 0`));
  });
});

describe("components: a core service", () => {
  let seen: Declared[];
  before(async function () {
    this.timeout(20_000);
    const { CoreService } = await import("../../components/coreService.ts");
    const { targetFor } = await import("../../components/targets/index.ts");
    const { coreServiceSecrets } = await import("../../components/coreServiceSecrets.ts");
    const estate = resolve({ db: { ...DB, hostPort: 15432 }, cache: { kind: "redis", secrets: { password: CANARY } } });
    seen = await recordResources(() => {
      const target = targetFor("docker", { estate: "mcp-estate", stack: "test" }, estate.swarm);
      const secrets = coreServiceSecrets(estate.coreServices);
      const made = estate.coreServices.map(
        (service) =>
          new CoreService(service.name, {
            ...{ target, service, health: estate.health, subnet: "10.1.2.8/29", readySeconds: 60 },
            networks: ["of-a-server"],
            secrets: secrets.get(service.name) ?? {},
          }),
      );
      return made[0] ?? assert.fail();
    });
  });

  it("is a container like a server's: its own account, nothing writable but its volume, no capability", () => {
    const { inputs } = only(seen, "Container", "mcp-estate-test-db");
    assert.match(inputs["user"] as string, /^(\d+):\1$/);
    assert.equal(inputs["readOnly"], true);
    assert.deepEqual(inputs["capabilities"], { drops: ["ALL"] });
    assert.equal(inputs["envs"], undefined);
    assert.deepEqual(
      (inputs["volumes"] as Array<{ containerPath: string }>).map(({ containerPath }) => containerPath).sort(),
      ["/data", "/run/secrets"],
    );
    assert.deepEqual(inputs["ports"], [{ internal: 5432, external: 15432, ip: "127.0.0.1" }]);
    assert.deepEqual((inputs["healthcheck"] as { tests: string[] }).tests, [
      "CMD",
      "/bin/sh",
      "/opt/mcp-estate/probe.sh",
    ]);
  });

  it("joins its own network and those of its callers under its name; only a published one has a way out", () => {
    const { inputs } = only(seen, "Container", "mcp-estate-test-cache");
    assert.deepEqual(
      (inputs["networksAdvanced"] as Array<{ aliases: string[] }>).map(({ aliases }) => aliases),
      [["cache"], ["cache"]],
    );
    assert.equal(only(seen, "Network", "mcp-estate-test-cache").inputs["internal"], true);
    assert.equal(only(seen, "Network", "mcp-estate-test-db").inputs["internal"], false);
  });

  it("a password that the settings do not give is made once; one that they give is a file and nothing else", () => {
    assert.deepEqual(only(seen, "RandomPassword", "db-readerPassword").inputs, { length: 32, special: false });
    const { files } = only(seen, "SecretFiles", "db").inputs as { files: { value: Record<string, string> } };
    assert.equal(files.value["password"], CANARY);
    assert.deepEqual(Object.keys(files.value).sort(), ["password", "readerPassword"]);
  });

  it("is waited for until it answers a question of its own kind", () => {
    const { inputs } = only(seen, "ProcessLimit", "db");
    assert.equal(inputs["readySeconds"], 60);
    assert.deepEqual(inputs["readyCommand"], ["/bin/sh", "/opt/mcp-estate/probe.sh"]);
  });

  it("its image holds no secret, and is the same for all that have that account", () => {
    for (const kind of coreServiceKinds.values()) {
      const recipe = coreServiceRecipe({ kind, user: 1000 });
      assert.equal(imageTag(recipe), imageTag(coreServiceRecipe({ kind, user: 1000 })));
      assert.ok(recipe.requires.length > 4);
    }
    assert.ok(!JSON.stringify(only(seen, "BuiltImage", "db").inputs).includes(CANARY));
  });
});
