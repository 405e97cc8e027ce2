/**
 * `npm run secret -- set NAME`: keeps a secret of the stack on this machine, sealed; its value comes from standard input, or
 * is asked for on a terminal. `-- list` shows which there are and which the stack's environments ask for, never a value;
 * `-- remove NAME` forgets one. Environments refer to them as `fn::secret: NAME`.
 */
import { namesOnly, parseArgs } from "./lib/args.ts";
import { askSecret } from "./lib/ask.ts";
import { SECRET_NAME } from "./lib/esc/index.ts";
import { ownerOf } from "./lib/leftOvers.ts";
import { sayer, table } from "./lib/log.ts";
import { main } from "./lib/main.ts";
import { projectDir } from "./lib/paths.ts";
import { changeSecrets, readSecrets, secretsKeyFile } from "./lib/secrets/store.ts";
import { givenToStack } from "./lib/settings/withStack.ts";
import { requireStackFile } from "./lib/stackFile.ts";
import { UserError } from "./lib/userError.ts";

const USAGE = "npm run secret -- set NAME, -- list or -- remove NAME";

await main(async () => {
  const { stack, rest } = parseArgs(process.argv.slice(2));
  const [action, name, ...more] = namesOnly(rest, "--stack");
  requireStackFile(projectDir, stack);
  if (action === "list" && name === undefined) return list(stack);
  if ((action !== "set" && action !== "remove") || name === undefined || more.length > 0) {
    // Never what was written: it could be the value.
    throw new UserError(`write ${USAGE}; a value comes from standard input, never from the command line`);
  }
  if (!SECRET_NAME.test(name)) {
    throw new UserError(`NAME must be of capitals, digits and "_", for example GITHUB_TOKEN; nothing was changed`);
  }
  return action === "set" ? set(stack, name) : remove(stack, name);
});

async function set(stack: string, name: string): Promise<number> {
  const value = await askSecret(`value of ${name} for stack "${stack}" (not shown)`);
  if (value === "") throw new UserError(`nothing was given for ${name}: npm run secret -- set ${name} <FILE`);
  const isNew = await changeSecrets(ownerOf(projectDir, stack), (secrets) => secrets.set(name, value));
  const say = sayer("secret");
  say(`${name} is set for stack "${stack}"; the next npm run up brings it where it is declared`);
  if (isNew) say(`made the key ${secretsKeyFile()}; npm run backup -- --state keeps a copy of key and secrets`);
  return 0;
}

async function remove(stack: string, name: string): Promise<number> {
  let wasThere = false;
  await changeSecrets(ownerOf(projectDir, stack), (secrets) => (wasThere = secrets.delete(name)));
  if (!wasThere)
    throw new UserError(`there is no secret ${name} of stack "${stack}"; npm run secret -- list shows which`);
  sayer("secret")(`${name} is forgotten here; what runs keeps it until the next npm run up`);
  return 0;
}

async function list(stack: string): Promise<number> {
  const there = await readSecrets(ownerOf(projectDir, stack));
  const asked = (await givenToStack(stack)).secrets;
  const names = [...new Set([...there.keys(), ...asked])].sort();
  const rows = names.map((name) => [name, there.has(name) ? "set" : "NOT SET", asked.includes(name) ? "yes" : "no"]);
  const text = names.length === 0 ? `Stack "${stack}" has no secrets here, and its environments ask for none.` : "";
  process.stdout.write(`${text || table(["SECRET", "HERE", "ASKED FOR"], rows)}\n`);
  return 0;
}
