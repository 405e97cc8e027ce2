/**
 * `npm run lab -- [--hosts N]`: Docker hosts in network namespaces of this machine, joined to a swarm, until Ctrl-C. Needs
 * root, and Docker's and OpenSSH's servers from the distribution.
 */
import { parseArgs } from "node:util";
import { Lab } from "../test/lab/lab.ts";
import { table } from "./lib/log.ts";
import { main } from "./lib/main.ts";
import { UserError } from "./lib/userError.ts";

const MOST_HOSTS = 9;

await main(async () => {
  const { values } = parseArgs({ options: { hosts: { type: "string", default: "3" } } });
  const hosts = Number(values.hosts);
  if (!Number.isInteger(hosts) || hosts < 1 || hosts > MOST_HOSTS) {
    throw new UserError(`--hosts is "${values.hosts}"; allowed is a whole number from 1 to ${MOST_HOSTS}`);
  }
  const lab = new Lab("own", { hosts });
  const stop = new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
  try {
    await lab.up();
    await lab.swarm();
    const rows = lab.hosts.map(({ name, address, dockerHost }) => [name, address, `ssh://root@${address}`, dockerHost]);
    process.stdout.write(`${table(["HOST", "ADDRESS", "OVER SSH", "ITS DOCKER, FROM HERE"], rows)}\n`);
    process.stdout.write(
      [
        "",
        "A shell where the hosts can be called, with an ssh that knows them:",
        `  PATH=${lab.ssh.bin}:$PATH ${lab.enter(["$SHELL"]).join(" ")}`,
        "Ctrl-C takes all of it away.",
        "",
      ].join("\n"),
    );
    await stop;
  } finally {
    await lab.down();
  }
  return 0;
});
