import assert from "node:assert/strict";
import {
  CONTAINER,
  MCP_SERVER,
  NETWORK,
  PROCESS_LIMIT,
  BUILT_IMAGE,
  PULLED_IMAGE,
  STATE_VOLUME,
  UNKNOWN,
} from "../../../policy/resource.ts";
import { contentAddressed, noLatest } from "../../../policy/rules/imageReference.ts";
import { internalNetworks } from "../../../policy/rules/internalNetworks.ts";
import { labels } from "../../../policy/rules/labels.ts";
import { processLimit } from "../../../policy/rules/processLimit.ts";
import { protectedVolumes } from "../../../policy/rules/protectedVolumes.ts";
import { declared, reasons } from "../support.ts";

const CONTENT = `sha256:${"0a".repeat(32)}`;

describe("policies on images, labels, volumes and what belongs together (R-SEC-10)", () => {
  describe("content-addressed-image, no-latest (R-IMG-14)", () => {
    it("pass an id, a digest, and one that the update builds", () => {
      for (const image of [CONTENT, `postgres@${CONTENT}`, `registry:5000/a/b:1@${CONTENT}`, UNKNOWN]) {
        assert.deepEqual(reasons(contentAddressed, { image }), []);
      }
      for (const reference of ["postgres:16.4", "registry:5000/a/b:1", CONTENT, `postgres@${CONTENT}`]) {
        assert.deepEqual(reasons(noLatest, { reference }, { type: PULLED_IMAGE }), [], reference);
      }
    });
    it("refuse a name, and a tag that is moved", () => {
      for (const image of ["postgres:16.4", "sha256:0a0a", "", undefined]) {
        assert.equal(reasons(contentAddressed, { image }).length, 1);
      }
      for (const reference of ["postgres", "postgres:latest", "registry:5000/postgres", "a/b:fixed"]) {
        assert.equal(reasons(noLatest, { reference }, { type: PULLED_IMAGE }).length, 1, reference);
        // What an image of the estate's own is built on, however deep.
        for (const layer of [
          { kind: "files", base: reference },
          { kind: "graft", onto: { image: reference } },
        ]) {
          const recipe = { layer: { kind: "program" }, from: { layer } };
          assert.equal(reasons(noLatest, { recipe }, { type: BUILT_IMAGE }).length, 1, reference);
        }
      }
      const own = { layer: { kind: "npm" }, from: { layer: { kind: "graft", onto: { dockerfile: "servers/mine" } } } };
      assert.deepEqual(reasons(noLatest, { recipe: own }, { type: BUILT_IMAGE }), []);
    });
  });

  describe("labels (R-DRF-02)", () => {
    const marked = (estate: unknown, stack: unknown, component: unknown) => ({
      labels: [
        { label: "mcp-estate.estate", value: estate },
        { label: "mcp-estate.stack", value: stack },
        { label: "mcp-estate.component", value: component },
      ],
    });

    it("pass ours, what the update knows, and objects that keep those that they were made with", () => {
      assert.deepEqual(reasons(labels, marked("p", "dev", "sample")), []);
      assert.deepEqual(reasons(labels, marked(UNKNOWN, "dev", "sample")), []);
      assert.deepEqual(reasons(labels, { labels: UNKNOWN }), []);
      assert.deepEqual(reasons(labels, {}, { ignoreChanges: ["labels"] }), []);
    });
    it("refuse none, another stack's, and an empty component", () => {
      assert.deepEqual(reasons(labels, {}), [
        "without mcp-estate.estate, mcp-estate.stack, mcp-estate.component of this stack",
      ]);
      assert.deepEqual(reasons(labels, marked("p", "prod", "")), [
        "without mcp-estate.stack, mcp-estate.component of this stack",
      ]);
    });
  });

  describe("protected-volumes", () => {
    const within = [MCP_SERVER, STATE_VOLUME];

    it("pass protected data, data that may be lost, and volumes without any", () => {
      assert.deepEqual(reasons(protectedVolumes, {}, { within, protect: true }, true), []);
      assert.deepEqual(reasons(protectedVolumes, {}, { within }, false), []);
      assert.deepEqual(reasons(protectedVolumes, {}, { within: [MCP_SERVER] }, true), []);
    });
    it("refuse data without protection in production", () => {
      assert.equal(reasons(protectedVolumes, {}, { within }, true).length, 1);
    });
  });

  describe("process-limit (R-LIM-14)", () => {
    const container = declared({ type: CONTAINER });
    const limit = (inputs: object, of = container.urn) =>
      declared({ type: PROCESS_LIMIT, inputs: { ...inputs }, propertySources: { containerId: [of] } });
    const found = (...others: ReturnType<typeof declared>[]) =>
      processLimit.checkStack([container, ...others]).map(({ resource }) => resource.name);

    it("passes a container that a ProcessLimit refers to", () => {
      assert.deepEqual(found(limit({ limits: { pids: 25 } })), []);
      assert.deepEqual(found(limit({ limits: UNKNOWN })), []);
    });
    it("refuses one without, with another's, and with one that limits nothing", () => {
      for (const others of [
        [],
        [limit({ limits: { pids: 25 } }, "another")],
        [limit({ limits: { pids: 0 } })],
        [limit({})],
      ]) {
        assert.deepEqual(found(...others), ["sample"]);
      }
    });
  });

  describe("internal-networks (R-NET-04)", () => {
    const within = [MCP_SERVER];
    const network = (name: string, internal: unknown, mine = true) =>
      declared({ type: NETWORK, name, inputs: { internal }, within: mine ? within : [] });
    const server = (name: string, joined: readonly { urn: string }[], inputs: object = {}) =>
      declared({
        name,
        within,
        inputs: { networksAdvanced: joined.map(({ urn }) => ({ name: urn })), ...inputs },
        propertySources: { networksAdvanced: joined.map(({ urn }) => urn) },
      });
    const found = (...resources: ReturnType<typeof declared>[]) =>
      internalNetworks.checkStack(resources).map(({ resource, why }) => `${resource.name}: ${why}`);

    it("passes a server on internal networks, or on none at all, and whatever is no server", () => {
      const [own, shared] = [network("own", true), network("shared", true, false)];
      assert.deepEqual(found(own, shared, server("a", [own, shared])), []);
      assert.deepEqual(found(server("a", [], { networkMode: "none" })), []);
      assert.deepEqual(found(network("edge", false, false), declared({ name: "gateway" })), []);
    });
    it("refuses an open network of its own or of others, also where the provider decides, and Docker's bridge", () => {
      const [own, shared] = [network("own", UNKNOWN), network("shared", false, false)];
      assert.deepEqual(found(own, shared, server("a", [own, shared]), server("b", [])), [
        "own: it is not internal",
        "a: it joins shared, which is not internal",
        "b: it joins no network, which means Docker's default bridge",
      ]);
    });
  });
});
