/**
 * The machines of a stack, of which `npm run hosts` makes a swarm before there is an estate: a stack of their own, as an
 * estate needs a swarm that is there.
 */
import { ExistingHosts } from "./components/targets/hosts/existingHosts.ts";
import type { HostsFacts } from "./components/targets/hosts/madeHosts.ts";
import { LambdaHosts } from "./components/targets/lambda/lambdaHosts.ts";
import { loadHosts } from "./config.ts";

const {
  owner,
  hosts: { lambda, existing },
} = loadHosts();
const facts: HostsFacts | undefined = lambda
  ? new LambdaHosts("hosts", { owner, hosts: lambda }).facts
  : existing && new ExistingHosts("hosts", { hosts: existing }).facts;
if (!facts) throw new Error("mcp-estate:hosts: lambda or existing is allowed");

/** `ssh://USER@ADDRESS` of the manager's Docker, and of each host's by its name in the swarm. */
export const { managerHost, nodes } = facts;
/** What each is, where, and what it costs; US dollars. */
export const { machines, hourlyPrice } = facts;
/** What ssh needs to get there. */
export const { knownHosts, privateKey } = facts;
