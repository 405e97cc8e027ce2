import assert from "node:assert/strict";
import { CONTAINER, CONTAINER_WATCH, SECRET_FILES } from "../../../policy/resource.ts";
import { secretEnvironment, secretsInClear } from "../../../policy/rules/secrets.ts";
import { reasons } from "../support.ts";

/** Put behind the beginnings of tokens here, so that no scanner takes this file for a leak. */
const LETTERS = "abcdefghijklmnopqrst";
const RANDOM = "9f8Kq2LmZx7Vb3Nw5Tr1Yp6Hd4Gj0Sc";

describe("policies on secrets (R-SEC-01, R-SEC-10)", () => {
  const env = (...envs: string[]) => reasons(secretsInClear, { envs }, { type: CONTAINER });

  it("pass settings that only look alike: numbers, paths, names, versions, ids of content", () => {
    for (const each of [
      "MAX_TOKENS=4096",
      "DB_PASSWORD_FILE=/run/secrets/db",
      "USE_TOKEN=true",
      "API_KEY=",
      "API_KEY=PLACEHOLDER-mcp-estate-servers-memory-env-API_KEY",
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/bin",
      "IMAGE=sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
      "RELEASE=mcp-server-sequential-thinking-2026-08-31",
      "ID=123e4567-e89b-42d3-a456-426614174000",
      "URL=https://example.com/a/b?c=d",
      "NODE_OPTIONS=--max-old-space-size=256",
      "OTEL_SERVICE_NAME=mcp_estate_gateway_number_17_of_20",
    ]) {
      assert.deepEqual(env(each), [], each);
    }
  });

  it("refuse tokens by their form, wherever in the value", () => {
    for (const value of [
      `ghp_${LETTERS}`,
      `Bearer sk-ant-api03-${LETTERS}`,
      "AKIAIOSFODNN7EXAMPLE",
      // In two parts, as this file is searched for secrets itself.
      ["postgres://shop:correcthorse", "db:5432/shop"].join("@"),
      "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.sig",
      "-----BEGIN OPENSSH PRIVATE KEY-----",
    ]) {
      assert.match(env(`SETTING=${value}`).join(), /^environment SETTING looks like /, value);
    }
  });

  it("refuse what has the name of a secret, and what was drawn at random", () => {
    for (const name of ["GITHUB_TOKEN", "dbPassword", "client-secret", "PGPASSWORD", "API_KEY"]) {
      assert.deepEqual(env(`${name}=correct horse`), [`environment ${name} has the name of a secret`]);
    }
    assert.deepEqual(env(`SESSION=${RANDOM}`), ["environment SESSION looks like one drawn at random"]);
    assert.equal(env("SESSION=0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c").length, 1);
  });

  it("refuse them in labels, on the command line and in what a server's child gets", () => {
    const labels = [
      { label: "db.password", value: "correct horse" },
      { label: "com.docker.compose.config-hash", value: "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c" },
    ];
    assert.deepEqual(reasons(secretsInClear, { labels }), ["label db.password has the name of a secret"]);
    assert.deepEqual(reasons(secretsInClear, { command: ["run", `--token=glpat-${LETTERS}`] }), [
      "word 2 of the command line looks like a GitLab token",
    ]);
    const contract = JSON.stringify({ env: { GITHUB_TOKEN: "correct horse" }, command: ["x", `xoxb-${LETTERS}`] });
    assert.deepEqual(reasons(secretsInClear, { contract }, { type: SECRET_FILES }), [
      "environment GITHUB_TOKEN has the name of a secret",
      "word 2 of the command line looks like a Slack token",
    ]);
    assert.deepEqual(reasons(secretsInClear, { contract: "no JSON" }, { type: SECRET_FILES }), []);
  });

  it("tell a service's secret environment, which the state keeps encrypted, from what was written in clear", () => {
    const envs = ["DB_PASSWORD=correct horse"];
    assert.deepEqual(reasons(secretsInClear, { envs }, { type: CONTAINER, secretOutputs: ["envs"] }), []);
    const watch = { declared: { envs }, secretEnv: { OTHER: "x" } };
    assert.deepEqual(reasons(secretsInClear, watch, { type: CONTAINER_WATCH }), [
      "environment DB_PASSWORD has the name of a secret",
    ]);
    assert.deepEqual(reasons(secretEnvironment, watch, { type: CONTAINER_WATCH }), [
      "secretEnv OTHER shows in docker inspect on the host",
    ]);
    // Of any other container the environment was judged with the container.
    assert.deepEqual(reasons(secretsInClear, { declared: { envs } }, { type: CONTAINER_WATCH }), []);
    assert.deepEqual(reasons(secretEnvironment, { declared: {}, secretEnv: {} }, { type: CONTAINER_WATCH }), []);
  });

  it("never say the value", () => {
    const words = [
      ...env(`TOKEN=${RANDOM}`, "A_SECRET=correct horse"),
      ...reasons(secretsInClear, { command: [`npm_${LETTERS}`] }),
    ];
    assert.equal(words.length, 3);
    assert.doesNotMatch(words.join(), /9f8K|correct|abcdef/);
  });
});
