/**
 * The machines of a stack, which `npm run hosts` launches before there is an estate and gives back after it: a stack of their own, as an
 * estate needs a swarm that is there.
 */
import { LambdaHosts } from "./components/targets/lambda/lambdaHosts.ts";
import { loadHosts } from "./config.ts";

const made = new LambdaHosts("hosts", loadHosts());

/** `ssh://USER@ADDRESS` of the manager's Docker, and of each host's by its name in the swarm. */
export const { managerHost, nodes } = made;
/** What each is, where, and what it costs; US dollars. */
export const { machines, hourlyPrice } = made;
/** What ssh needs to get there. */
export const { knownHosts, privateKey } = made;
