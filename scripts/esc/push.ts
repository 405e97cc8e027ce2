/**
 * `npm run esc:push -- --stack NAME`: writes the environments that a stack takes, and all that they import, from `esc/` to
 * Pulumi Cloud, with `pulumi env`. Where a definition names a secret, the value of this machine goes along, to be encrypted
 * there; one that is set in Pulumi Cloud alone stays. `--org NAME` says whose, where the login has several.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { namesOnly, parseArgs, takeOption } from "../lib/args.ts";
import { isPulumiCloud } from "../lib/environment.ts";
import { partsOfName } from "../lib/esc/index.ts";
import { pushEnvironment } from "../lib/esc/push.ts";
import { ownerOf } from "../lib/leftOvers.ts";
import { sayer } from "../lib/log.ts";
import { main } from "../lib/main.ts";
import { projectDir } from "../lib/paths.ts";
import { prepareEngine } from "../lib/prepare.ts";
import { readSecrets } from "../lib/secrets/store.ts";
import { givenToStack } from "../lib/settings/withStack.ts";
import { UserError } from "../lib/userError.ts";

await main(async () => {
  const { stack, rest } = parseArgs(process.argv.slice(2));
  const organization = takeOption(rest, "org");
  if (namesOnly(rest, "--stack and --org NAME").length > 0) throw new UserError("no names here: --stack says which");
  const { environments } = await givenToStack(stack);
  if (environments.length === 0) {
    throw new UserError(`Pulumi.${stack}.yaml names no environment: add environment: [PROJECT/NAME]`);
  }
  if (!isPulumiCloud(process.env)) {
    throw new UserError("environments are pushed to Pulumi Cloud: set PULUMI_ACCESS_TOKEN (and no PULUMI_BACKEND_URL)");
  }
  const { engine, env } = await prepareEngine({ stack, onMissingPassphrase: "leaveUnset" });
  const secrets = await readSecrets(ownerOf(projectDir, stack));
  const say = sayer("esc");
  // Each after what it imports: Pulumi Cloud checks a definition when it is written.
  for (const { name: written, place } of environments) {
    const { project, name } = partsOfName(written);
    const whole = [...(organization === undefined ? [] : [organization]), project ?? "default", name].join("/");
    const definition = readFileSync(join(projectDir, place), "utf8");
    const { isNew, sent, kept } = await pushEnvironment({
      program: engine.file,
      env,
      name: whole,
      definition,
      secrets,
    });
    const about = [...sent.map((secret) => `${secret} sent`), ...kept.map((secret) => `${secret} as it was`)];
    say(`${whole} ${isNew ? "made" : "written"} from ${place}${about.length > 0 ? ` (${about.join(", ")})` : ""}`);
  }
  return 0;
});
