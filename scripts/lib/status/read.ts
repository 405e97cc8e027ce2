import { z } from "zod";
import { askGateway, type GatewayAccess } from "../../../components/providers/smoke/gatewayClient.ts";
import { dockerClient } from "../docker.ts";
import { readOutputs, type EstateOutputs } from "../estate.ts";
import { ownerOf, type Owner } from "../leftOvers.ts";
import type { Prepared } from "../prepare.ts";
import { messageOf, UserError } from "../userError.ts";
import { readContainers } from "./containers.ts";
import type { Facts, ServerFacts } from "./facts.ts";
import { readMonitoring } from "./monitoring.ts";

const TIMEOUT_MS = 5000;

const serversSchema = z.object({
  servers: z.array(
    z.object({
      name: z.string(),
      state: z.string(),
      ageSeconds: z.number().nullable(),
      tools: z.array(z.string()),
      reason: z.string().nullable(),
      // A gateway of before knew no other proof.
      provedBy: z.enum(["call", "list"]).default("call"),
    }),
  ),
});

/** What of a deployed stack does not change while it is looked at. */
export interface DeployedStack {
  owner: Owner;
  outputs: EstateOutputs;
}

/** @throws UserError when nothing is deployed. */
export async function readStack(prepared: Prepared, project: string, stack: string): Promise<DeployedStack> {
  const outputs = await readOutputs(prepared, project, stack);
  if (outputs === undefined) throw new UserError(`stack "${stack}" is not deployed: npm run up first`);
  return { owner: ownerOf(project, stack), outputs };
}

/** Asks gateway, Docker and monitoring at once. What does not answer is a fault among the facts. */
export async function readFacts({ owner, outputs }: DeployedStack): Promise<Facts> {
  const { gatewayUrl, gatewayToken: token, gatewayCertificate, prometheusUrl, alertmanagerUrl } = outputs;
  const faults: string[] = [];
  const unless = async <T>(what: string, asked: Promise<T>, none: T): Promise<T> =>
    asked.catch((error: unknown) => {
      faults.push(`${what}: ${messageOf(error)}`);
      return none;
    });
  const access = { gatewayUrl, token, certificate: gatewayCertificate || undefined };
  const [servers, containers, monitoring] = await Promise.all([
    unless("gateway", readServers(access), []),
    unless("Docker", readContainers(dockerClient(), owner, outputs.servers), []),
    prometheusUrl ? unless("monitoring", readMonitoring(prometheusUrl, alertmanagerUrl), undefined) : undefined,
  ]);
  return {
    ...{ stack: owner.stack, declared: Object.keys(outputs.servers), gatewayUrl },
    ...{ servers, containers, faults },
    ...(monitoring ? { monitoring } : {}),
  };
}

async function readServers(access: GatewayAccess): Promise<ServerFacts[]> {
  const { status, text } = await askGateway(access, "/servers", { timeoutMs: TIMEOUT_MS });
  if (status !== 200) throw new Error(`it answers ${status}`);
  return serversSchema.parse(JSON.parse(text)).servers.map(({ provedBy, ...server }) => ({
    ...server,
    tools: server.tools.length,
    listsOnly: provedBy === "list",
  }));
}
