/**
 * The machines of a stack, of which `npm run hosts` makes a swarm before there is an estate: a stack of their own, as an
 * estate needs a swarm that is there.
 */
import { ExistingHosts } from "./components/targets/hosts/existingHosts.ts";
import type { MadeHosts } from "./components/targets/hosts/madeHosts.ts";
import { LambdaHosts } from "./components/targets/lambda/lambdaHosts.ts";
import { loadHosts } from "./config.ts";

const {
  owner,
  hosts: { lambda, existing },
} = loadHosts();
const made: MadeHosts | undefined = lambda
  ? new LambdaHosts("hosts", { owner, hosts: lambda })
  : existing && new ExistingHosts("hosts", { hosts: existing });
if (!made) throw new Error("mcp-estate:hosts: lambda or existing is allowed");

/** `ssh://USER@ADDRESS` of the manager's Docker, and of each host's by its name in the swarm. */
export const { managerHost, nodes } = made;
/** What each is, where, and what it costs; US dollars. */
export const { machines, hourlyPrice } = made;
/** What ssh needs to get there. */
export const { knownHosts, privateKey } = made;
