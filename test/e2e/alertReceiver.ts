import { createServer, type Server } from "node:http";
import { networkInterfaces } from "node:os";
import { json } from "node:stream/consumers";

/** One alert of a message, in Alertmanager's words. */
export interface ReceivedAlert {
  status: "firing" | "resolved";
  labels: Record<string, string>;
  annotations: Record<string, string>;
  startsAt: string;
  endsAt: string;
}

/** A message to a chat. */
export interface ChatMessage {
  attachments: Array<{ title: string; text: string }>;
}

const CHAT = "/chat";

/** Address of this machine under which containers find it. */
export function hostAddress(): string {
  const host = Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .find(({ family, internal }) => family === "IPv4" && !internal)?.address;
  if (host === undefined) throw new Error("this machine has no IPv4 address that containers could reach");
  return host;
}

/** Takes Alertmanager's webhook messages, and those to a chat, and keeps them. */
export class AlertReceiver {
  /** In the order of their coming. */
  readonly alerts: ReceivedAlert[] = [];
  readonly chat: ChatMessage[] = [];
  /** HTTP status of every answer from now on. */
  answer = 200;
  private readonly server: Server;

  constructor() {
    this.server = createServer((request, response) => {
      void json(request).then((message) => {
        if (request.url === CHAT) this.chat.push(message as ChatMessage);
        else if (this.answer === 200) this.alerts.push(...(message as { alerts: ReceivedAlert[] }).alerts);
        response.writeHead(this.answer).end();
      });
    });
  }

  /** @returns the address under which containers find it, and the URLs of webhook and chat. */
  async listen(): Promise<{ host: string; webhookUrl: string; chatUrl: string }> {
    const host = hostAddress();
    await new Promise<void>((resolve) => this.server.listen(0, host, resolve));
    const { port } = this.server.address() as { port: number };
    const webhookUrl = `http://${host}:${port}/`;
    return { host, webhookUrl, chatUrl: new URL(CHAT, webhookUrl).href };
  }

  /** Alerts that fire at this moment, by name and what they are about. */
  firing(): ReceivedAlert[] {
    const last = new Map(this.alerts.map((alert) => [JSON.stringify(alert.labels), alert]));
    return [...last.values()].filter(({ status }) => status === "firing");
  }

  close(): Promise<void> {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(() => resolve()));
  }
}
