import assert from "node:assert/strict";
import { readStackFile, requireStackFile, setting } from "../../../scripts/lib/stackFile.ts";
import { cleanUp, temporaryFolder, write } from "../support.ts";

describe("stackFile", () => {
  afterEach(cleanUp);

  it("finds a setting whether its path is nested or written out", () => {
    const project = temporaryFolder();
    write(project, "Pulumi.a.yaml", "config:\n  mcp-estate:gateway:\n    port: 12000\n");
    write(project, "Pulumi.b.yaml", "config:\n  mcp-estate:gateway.port: 13000\n");
    assert.equal(setting(readStackFile(project, "a"), "mcp-estate:gateway.port"), 12000);
    assert.equal(setting(readStackFile(project, "b"), "mcp-estate:gateway.port"), 13000);
    assert.equal(setting(readStackFile(project, "a"), "mcp-estate:gateway.bind"), undefined);
    assert.equal(setting(undefined, "mcp-estate:gateway.port"), undefined);
  });

  it("knows whether a stack is encrypted, and with what", () => {
    const project = temporaryFolder();
    write(project, "Pulumi.dev.yaml", "encryptionsalt: v1:x\n");
    write(project, "Pulumi.prod.yaml", "secretsprovider: awskms://alias/x\n");
    write(project, "Pulumi.empty.yaml", "");
    assert.equal(readStackFile(project, "dev")?.hasSalt, true);
    assert.equal(readStackFile(project, "organization/mcp-estate/dev")?.hasSalt, true);
    assert.equal(readStackFile(project, "prod")?.secretsProvider, "awskms://alias/x");
    assert.equal(readStackFile(project, "empty")?.hasSalt, false);
    assert.equal(readStackFile(project, "none"), undefined);
  });

  it("names the stacks there are when one is not there", () => {
    const project = temporaryFolder();
    write(project, "Pulumi.yaml", "name: x\n");
    write(project, "Pulumi.dev.yaml", "");
    write(project, "Pulumi.prod.yaml", "");
    assert.throws(() => requireStackFile(project, "stage"), {
      name: "UserError",
      message:
        'there is no stack "stage" (no file Pulumi.stage.yaml); there are dev, prod: choose one with --stack, or copy Pulumi.dev.yaml to make a new one',
    });
  });

  it("names the file that cannot be read", () => {
    const project = temporaryFolder();
    const file = write(project, "Pulumi.dev.yaml", "config: [1,\n");
    assert.throws(
      () => readStackFile(project, "dev"),
      (error: Error) => {
        assert.equal(error.name, "UserError");
        assert.ok(error.message.startsWith(`${file} cannot be read: `));
        assert.equal(error.message.split("\n").length, 1);
        return true;
      },
    );
  });
});
