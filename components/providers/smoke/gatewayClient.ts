import { request as httpRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { request as httpsRequest } from "node:https";
import { text } from "node:stream/consumers";

/** How the gateway is reached from this machine. */
export interface GatewayAccess {
  gatewayUrl: string;
  token: string;
  /** What the edge shows, PEM: it and no other is believed, whatever name it is for. Only for https. */
  certificate?: string | undefined;
}

export interface GatewayAnswer {
  status: number;
  text: string;
}

export interface GatewayQuestion {
  method?: "GET" | "POST";
  body?: string;
  timeoutMs: number;
}

/**
 * One request to the gateway.
 * @throws Error that says why there is no answer.
 */
export async function askGateway(
  { gatewayUrl, token, certificate }: GatewayAccess,
  path: string,
  { method = "GET", body, timeoutMs }: GatewayQuestion,
): Promise<GatewayAnswer> {
  const url = `${gatewayUrl}${path}`;
  const options: RequestOptions = {
    method,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    signal: AbortSignal.timeout(timeoutMs),
  };
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = url.startsWith("https:")
        ? httpsRequest(url, { ...options, ...pinned(certificate) }, resolve)
        : httpRequest(url, options, resolve);
      request.on("error", reject).end(body);
    });
    return { status: response.statusCode ?? 0, text: await text(response) };
  } catch (error) {
    throw new Error(`the gateway does not answer at ${url}: ${(error as Error).message}`, { cause: error });
  }
}

/** The certificate is the one that the stack declares: who signed it and for which name is for its users to ask. */
function pinned(certificate: string | undefined) {
  if (certificate === undefined) return {};
  return { ca: certificate, allowPartialTrustChain: true, checkServerIdentity: () => undefined };
}
