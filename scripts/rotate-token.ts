/**
 * `npm run rotate-token -- CALLER`: writes one more token for a caller into the stack's file, and an end for its earlier
 * ones: after 60 minutes, or after `--grace MINUTES`; 0 takes them away with the update. The next `npm run up` makes it,
 * and no connection is lost. The caller `owner` is the stack's own.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { namesOnly, takeOption } from "./lib/args.ts";
import { main } from "./lib/main.ts";
import { projectDir } from "./lib/paths.ts";
import { rotateToken } from "./lib/rotateToken.ts";
import { requireStackFile } from "./lib/stackFile.ts";
import { stackArgs } from "./lib/stackHosts.ts";
import { UserError } from "./lib/userError.ts";

const GRACE_MINUTES = "60";

await main(() => {
  const { stack, rest } = stackArgs(process.argv.slice(2));
  const grace = takeOption(rest, "grace") ?? GRACE_MINUTES;
  const [caller, ...more] = namesOnly(rest, "--stack and --grace");
  if (caller === undefined || more.length > 0) throw new UserError("name one caller: npm run rotate-token -- CALLER");
  if (!/^\d{1,6}$/.test(grace))
    throw new UserError(`--grace got "${grace}"; allowed are minutes, for example --grace 60`);
  const { file } = requireStackFile(projectDir, stack);
  const { text, name, until } = rotateToken(readFileSync(file, "utf8"), caller, Number(grace));
  writeFileSync(file, text);
  const output = caller === "owner" ? "gatewayToken" : "gatewayTokens";
  const option = stack === "dev" ? "" : ` -- --stack ${stack}`;
  process.stdout.write(
    [
      `${file}: ${caller} gets the token "${name}"; its earlier ones end ${until ? `at ${until.toISOString()}` : "with the update"}.`,
      `npm run up${option} makes it; then npm run -s pulumi -- stack output ${output} --show-secrets --stack ${stack} shows it.`,
      "",
    ].join("\n"),
  );
  return Promise.resolve(0);
});
