import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { catalogue } from "../../components/catalogue/index.ts";
import { resolveEstate } from "../../components/estateConfig.ts";
import { recipeOf, serverContract } from "../../components/mcpServer.ts";
import { contentHash } from "../../components/providers/images/contentHash.ts";
import { hostFaults } from "../../components/serverMounts.ts";
import { sourceFaults } from "../../components/serverSources.ts";

const root = join(import.meta.dirname, "../..");
const NPM = { npm: "my-server@1.2.3", lockFolder: "servers/mine", command: ["/usr/local/bin/node", "/app/x.js"] };

function resolve(mine: Record<string, unknown>) {
  const [server] = resolveEstate({ servers: { mine } }, catalogue).servers;
  return server ?? assert.fail();
}

function refusal(mine: Record<string, unknown>): string {
  try {
    resolve(mine);
  } catch (error) {
    return (error as Error).message;
  }
  assert.fail("it was taken");
}

describe("a server that the catalogue does not have", () => {
  it("of npm: pinned, isolated, and one that lists where no proof is given", () => {
    const { entry, sharing } = resolve({ program: NPM });
    assert.deepEqual(entry.package, {
      ecosystem: "npm",
      name: "my-server",
      version: "1.2.3",
      lockFolder: "servers/mine",
    });
    assert.equal(sharing, "isolated");
    assert.ok(entry.listsOnly);
    const proof = { tool: "ping", arguments: {}, expectText: "pong" };
    assert.deepEqual(resolve({ program: { ...NPM, npm: "@a/b@1.0.0-rc.1", proof } }).entry.proof, proof);
  });

  it("of PyPI: finds its packages", () => {
    const program = {
      pypi: "my-server==1.2.3",
      lockFolder: "servers/mine",
      command: ["/usr/bin/python3", "-m", "mine"],
    };
    const { entry } = resolve({ program });
    assert.deepEqual([entry.runtime, entry.package.name, entry.package.version], ["python", "my-server", "1.2.3"]);
    assert.equal(entry.env?.["PYTHONPATH"], "/app/site-packages");
  });

  it("of an image: keeps the image's environment, and starts in it", () => {
    const server = resolve({
      program: { image: "host:5000/mine:2.1", command: ["/bin/mine"], volumes: { data: "/state" } },
    });
    assert.deepEqual(server.entry.package, { ecosystem: "image", name: "host:5000/mine:2.1", version: "2.1" });
    const contract = serverContract({ estate: "e", stack: "s" }, server, {
      intervalSeconds: 1,
      timeoutSeconds: 1,
      failures: 1,
    });
    assert.equal(contract.imageEnv, true);
    assert.deepEqual(contract.env, { HOME: "/tmp" });
    assert.equal(contract.cwd, "/");
    const recipe = recipeOf("mine", server.entry, 1000);
    assert.deepEqual(recipe.from?.layer, {
      kind: "graft",
      onto: { image: "host:5000/mine:2.1" },
      mountPoints: ["/state"],
    });
    assert.ok(recipe.requires.includes("/bin/mine"));
    assert.equal(recipe.config.entrypoint?.[0], "/opt/mcp-estate/bin/tini");
  });

  it("of a Dockerfile: another file in its folder is another image", () => {
    const project = mkdtempSync(join(tmpdir(), "mcp-estate-program-"));
    try {
      mkdirSync(join(project, "mine"));
      writeFileSync(join(project, "mine/Dockerfile"), "FROM scratch\n");
      const { entry } = resolve({ program: { dockerfile: "mine", command: ["/bin/mine"] } });
      assert.equal(entry.package.ecosystem, "dockerfile");
      const content = () =>
        contentHash({ kind: "graft", onto: { dockerfile: entry.package.name }, mountPoints: [] }, project);
      const first = content();
      writeFileSync(join(project, "mine/more"), "more");
      assert.notEqual(content(), first);
    } finally {
      rmSync(project, { recursive: true });
    }
  });

  for (const [what, mine, message] of [
    [
      "no source",
      { program: { command: ["/x"] } },
      /program: nothing given; exactly one of npm, pypi, image, dockerfile/,
    ],
    ["two sources", { program: { ...NPM, image: "x" } }, /program: npm and image given; exactly one/],
    ["an entry beside it", { from: "memory", program: NPM }, /from and program are both given/],
    [
      "no lock folder",
      { program: { ...NPM, lockFolder: undefined } },
      /lockFolder: nothing given; npm run catalogue -- lock servers\/NAME npm:my-server@1\.2\.3/,
    ],
    [
      "a lock folder for an image",
      { program: { image: "x", lockFolder: "y", command: ["/x"] } },
      /lockFolder: y given; what is in image stays as it is/,
    ],
    [
      "Debian packages for an image",
      { program: { image: "x", debianPackages: ["git"], command: ["/x"] } },
      /debianPackages: given; nothing is installed into image/,
    ],
    [
      "a version that is a range",
      { program: { ...NPM, npm: "my-server@^1.2.3" } },
      /program\.npm: "my-server@\^1\.2\.3" given; NAME@VERSION/,
    ],
    [
      "a folder outside of the project",
      { program: { ...NPM, lockFolder: "../mine" } },
      /lockFolder: "\.\.\/mine" given; a folder of the project/,
    ],
    [
      "a command that is searched for",
      { program: { ...NPM, command: ["node"] } },
      /program\.command\.0: "node" given; an absolute path/,
    ],
    [
      "a folder with Docker's socket",
      { from: "memory", hostPaths: [{ hostPath: "/run", path: "/x" }] },
      /hostPaths\.0: .* given; no container gets the Docker socket, nor a folder that holds it/,
    ],
    [
      "two things at one place",
      { from: "memory", hostPaths: [{ hostPath: "/srv", path: "/data" }] },
      /hostPaths: \/srv is to be at \/data, where the volume data is/,
    ],
  ] as const) {
    it(`refuses ${what} in one clear line`, () => assert.match(refusal(mine), message));
  }
});

describe("what a server's image is made of, before anything is built", () => {
  const [memory] = resolveEstate({ servers: { memory: {} } }, catalogue).servers;
  assert.ok(memory);
  const withPackage = (changes: object) => [
    {
      ...memory,
      entry: { ...memory.entry, package: { ...memory.entry.package, ...changes } },
    },
  ];

  it("the whole catalogue is locked as it says", () => {
    const servers = [...catalogue.values()].map((entry) => ({ ...memory, name: entry.name, entry }));
    assert.deepEqual(sourceFaults(servers, root), []);
  });

  it("R-IMG-09: a removed lock folder, by name", () => {
    const [fault = ""] = sourceFaults(withPackage({ lockFolder: "components/catalogue/locks/gone" }), root);
    assert.match(
      fault,
      /^mcp-estate:servers\.memory: there is no components\/catalogue\/locks\/gone\/package-lock\.json in .*npm run catalogue -- lock/,
    );
  });

  it("R-IMG-01: a removed or another pin, by name", () => {
    const [other = ""] = sourceFaults(withPackage({ version: "1.0.0" }), root);
    assert.match(other, /server-memory 1\.0\.0 is wanted, and .*package-lock\.json has 2026\.8\.31/);
    const [none = ""] = sourceFaults(withPackage({ name: "other" }), root);
    assert.match(none, /has none of it/);
  });

  it("R-IMG-09: a Dockerfile that is not there, by name", () => {
    const [fault = ""] = sourceFaults(withPackage({ ecosystem: "dockerfile", name: "servers/gone" }), root);
    assert.match(fault, /program\.dockerfile: there is no servers\/gone\/Dockerfile in /);
  });

  it("R-VOL-02: a mount source that is not there, and a path of the host that is no mount, by name", () => {
    const there = mkdtempSync(join(tmpdir(), "mcp-estate-host-"));
    const outside = "/var/lib/dpkg";
    try {
      const server = {
        ...memory,
        hostPaths: [{ hostPath: there, path: "/notes", readOnly: true }],
        args: ["/notes/x", "--root=/data", "/tmp/y"],
      };
      assert.deepEqual(hostFaults([server]), []);
      const [fault = ""] = hostFaults([{ ...server, env: { ROOT: outside } }]);
      assert.match(
        fault,
        /servers\.memory\.env\.ROOT: names \/var\/lib\/dpkg, which this host has and its container has not; hostPaths: /,
      );
      assert.equal(hostFaults([{ ...server, args: [`--root=${outside}`, "/v1/api"] }]).length, 1);
      rmSync(there, { recursive: true });
      assert.match(hostFaults([server])[0] ?? "", /hostPaths: there is no .*mcp-estate-host-.* on this host/);
    } finally {
      rmSync(there, { recursive: true, force: true });
    }
  });
});
