import assert from "node:assert/strict";
import { globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { askGateway } from "../../components/providers/smoke/gatewayClient.ts";
import { limitClasses } from "../../components/limitClasses.ts";
import { answerPlaces } from "./canary/answerPlaces.ts";
import { dockerPlaces } from "./canary/dockerPlaces.ts";
import { filePlaces } from "./canary/filePlaces.ts";
import { findAt, type Scene } from "./canary/hidingPlace.ts";
import { newCanary, openCanary, plantedKey } from "./canary/planted.ts";
import { processPlaces } from "./canary/processPlaces.ts";
import { Search, type Planted } from "./canary/search.ts";
import { Watch } from "./canary/watch.ts";
import { selfSigned } from "./certificates.ts";
import { setSecret } from "./secretSetting.ts";
import { ensureSharedImages } from "./sharedImages.ts";
import { TestEstate, type CommandResult } from "./testEstate.ts";

const OPEN = { server: openCanary(), setting: openCanary() };
const SERVICE = "keeper";
/** A minute's, at a third of the rate that the watch tries to keep. */
const MIN_LOOKS = 400;

describe("R-SEC-01, R-SEC-03, A-32: no secret of any kind stands anywhere in clear", function () {
  this.timeout(600_000);
  const estate = new TestEstate("canary", {
    config: {
      "mcp-estate:servers": {
        everything: {},
        [OPEN.server]: { from: "memory", env: { GIVEN_OPENLY: OPEN.setting } },
      },
    },
  });
  const watch = new Watch(estate);
  const stackFile = join(estate.folder, "Pulumi.canary.yaml");
  const planted: Planted[] = [];
  const printed: Scene["printed"] = [];
  let tls = selfSigned("canary.example.org");
  let token = "";
  let former = "";

  const scene: Scene = {
    estate,
    watch,
    open: OPEN,
    service: SERVICE,
    printed,
    run: (...words) => succeed(...words),
    ask: (path, { token: shown = token, ...question } = {}) =>
      askGateway({ gatewayUrl: `https://127.0.0.1:${estate.port}`, token: shown, certificate: tls.certificate }, path, {
        timeoutMs: 10_000,
        ...question,
      }),
    formerToken: () => former,
  };

  /** Runs a command and keeps all that is seen of it. */
  async function watched(command: string, ...args: string[]): Promise<CommandResult> {
    const env = { TMPDIR: watch.temporary };
    const result = await watch.during(() => estate.command(command, args, env));
    printed.push({ command: `${command} ${args.join(" ")}`, output: result.output });
    return result;
  }

  async function succeed(command: string, ...args: string[]): Promise<string> {
    const { code, output } = await watched(command, ...args);
    assert.equal(code, 0, output);
    return output;
  }

  /** The engine itself refuses a file with `environment:` where Pulumi Cloud is not. */
  async function withoutEnvironments(work: () => Promise<unknown>): Promise<void> {
    const change = (to: (text: string) => string): void =>
      writeFileSync(stackFile, to(readFileSync(stackFile, "utf8")));
    // Commands write the file anew, with other spaces.
    change((text) => text.replace(/^environment:.*\n/m, ""));
    await work();
    change((text) => `environment: [canary]\n${text}`);
  }

  /** Secrets of every kind that somebody gives. */
  async function giveSecrets(round: string): Promise<void> {
    const values = {
      everything: newCanary(),
      [OPEN.server]: newCanary(),
      [SERVICE]: newCanary(),
    };
    for (const [heldBy, value] of Object.entries(values))
      planted.push({ name: `${round} secret of ${heldBy}`, value, heldBy });
    planted.push(...plantedKey(`${round} key of the certificate`, tls.key));
    await withoutEnvironments(async () => {
      const server = `mcp-estate:servers.${OPEN.server}.secretEnv.API_TOKEN`;
      await setSecret(estate, server, values[OPEN.server] ?? "");
      await setSecret(estate, `mcp-estate:services.${SERVICE}.secretEnv.PASSWORD`, values[SERVICE] ?? "");
      await setSecret(estate, "mcp-estate:gateway.tls.key", tls.key);
      await estate.pulumi(
        ...["config", "set", "--path", "mcp-estate:gateway.tls.certificate", "--plaintext", "--", tls.certificate],
      );
    });
    await estate.succeed("secret", ["set", "EVERYTHING"], { TMPDIR: watch.temporary }, values["everything"]);
  }

  /** What stays from round to round is noted once. */
  function note(secret: Planted): void {
    if (!planted.some(({ value }) => value === secret.value)) planted.push(secret);
  }

  /** Those that the program and the scripts make. */
  async function noteMadeSecrets(round: string): Promise<void> {
    token = await estate.token();
    const tokens = await estate.output<Record<string, string>>("gatewayTokens");
    const { output: sessionKey } = await estate.exec("gateway", ["cat", "/run/secrets/session-key"], "0");
    const made = { "owner's token": token, "reader's token": tokens["reader"] ?? "", "session key": sessionKey.trim() };
    for (const [what, value] of Object.entries(made)) note({ name: `${round} ${what}`, value });
    for (const file of globSync(join(estate.folder, ".config/mcp-estate/*"), { withFileTypes: true })) {
      if (!file.isFile()) continue;
      const value = /^[^#\s]\S+$/m.exec(readFileSync(join(file.parentPath, file.name), "utf8"))?.[0] ?? "";
      note({ name: `what is in the user's ${file.name}`, value });
    }
  }

  before(async () => {
    await estate.create();
    mkdirSync(watch.temporary);
    const image = (await ensureSharedImages()).find((tag) => tag.startsWith("mcp-estate/base-node:"));
    const limits = { ...limitClasses.light, memoryMiB: 64, memoryReservationMiB: 16 };
    estate.configure((config) => {
      config["mcp-estate:services"] = {
        [SERVICE]: { image, limits, user: "65534:65534", command: ["sleep", "86400"] },
      };
      config["mcp-estate:gateway"] = { port: estate.port, principals: ["reader"] };
    });
    mkdirSync(join(estate.folder, "esc"), { recursive: true });
    writeFileSync(
      join(estate.folder, "esc/canary.yaml"),
      'values: { token: { fn::secret: EVERYTHING }, pulumiConfig: { "mcp-estate:servers": { everything: { secretEnv: { API_AUTH: "Bearer ${token}" } } } } }',
    );
    await estate.pulumi("stack", "init");

    await giveSecrets("first");
    await succeed("up", "--yes");
    await noteMadeSecrets("first");
    const entities = [{ name: OPEN.setting, entityType: "test", observations: [] }];
    const remember = { server: OPEN.server, tool: "create_entities", arguments: { entities } };
    assert.equal((await scene.ask("/execute", { method: "POST", body: JSON.stringify(remember) })).status, 200);

    former = token;
    tls = selfSigned("canary.example.org");
    await giveSecrets("second");
    for (const caller of ["owner", "reader"]) await succeed("rotate-token", caller, "--grace", "0");
    await succeed("preview", "--json");
    await succeed("preview");
    await succeed("up", "--yes");
    await noteMadeSecrets("second");
    assert.notEqual(token, former);
    await succeed("backup");

    // Node names the value, so that the server's last words hold it.
    const refused = `--${newCanary().slice(0, 31)}`;
    planted.push({ name: "secret that keeps a server from starting", value: refused, heldBy: "everything" });
    const path = "mcp-estate:servers.everything.secretEnv.NODE_OPTIONS";
    await withoutEnvironments(async () => {
      await setSecret(estate, path, refused);
      await estate.pulumi("config", "set", "--path", "mcp-estate:gate.timeoutSeconds", "10");
    });
    const { code, output } = await watched("up", "--yes");
    assert.notEqual(code, 0, output);
    assert.match(output, /runs again/);
    await withoutEnvironments(async () => {
      await estate.pulumi("config", "rm", "--path", path);
      await estate.pulumi("config", "rm", "mcp-estate:gate");
    });
    for (const command of ["history", "smoke", "drift"]) await succeed(command);
    await noteMadeSecrets("third");
  });
  after(async () => {
    watch.close();
    await estate.dispose();
  });

  for (const place of [...filePlaces(scene), ...answerPlaces(scene), ...dockerPlaces(scene), ...processPlaces(scene)]) {
    it(`${place.name}: what is leaked there is found, and no secret is`, async () => {
      const { canary, undo } = await place.leak();
      const leaked: Planted = { name: "leaked on purpose", value: canary };
      try {
        const finds = await findAt(place, [leaked, ...planted]);
        const secrets = finds.filter((find) => find.planted.name !== leaked.name);
        assert.deepEqual(
          secrets.map(({ planted: { name }, form, piece }) => `${name} (${form}) in ${piece.of}`),
          [],
        );
        assert.ok(finds.length > 0, "what was leaked on purpose is not found");
      } finally {
        await undo?.();
      }
    });
  }

  it("whom a secret is for has it, so that the search sees into every container", async () => {
    const held = planted.filter(({ name }) => name.includes(" secret of "));
    const search = new Search(held);
    const found = new Set<string>();
    for await (const piece of watch.environments())
      for (const {
        planted: { name },
      } of await search.findIn(piece))
        found.add(name);
    assert.deepEqual([...found].sort(), held.map(({ name }) => name).sort());
  });

  it("a server that quotes its secret in its last words is logged without it", () => {
    const logs = [...watch.containerLogs()].map(({ content }) => Buffer.from(content as Uint8Array).toString());
    assert.ok(logs.some((log) => log.includes("[secret] is not allowed in NODE_OPTIONS")));
  });

  it("the watch looked at all processes while each command ran", () => {
    const { looks, longestGapMs } = watch;
    console.log(`      ${looks} looks, the longest time between two was ${Math.round(longestGapMs)} ms`);
    assert.ok(looks > MIN_LOOKS, `${looks} looks`);
  });
});
