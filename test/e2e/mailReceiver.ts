import { createServer, type Server, type Socket } from "node:net";
import { createInterface } from "node:readline";

/** Takes mail as a server does (RFC 5321, as much of it as a sender needs), and keeps it. */
export class MailReceiver {
  /** Whole messages, headers included, with their ends of lines as they came. */
  readonly messages: string[] = [];
  private readonly server: Server = createServer((socket) => this.talk(socket));
  private readonly sockets = new Set<Socket>();

  /** @returns the port on `host`. */
  async listen(host: string): Promise<number> {
    await new Promise<void>((resolve) => this.server.listen(0, host, resolve));
    return (this.server.address() as { port: number }).port;
  }

  close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    return new Promise((resolve) => this.server.close(() => resolve()));
  }

  private talk(socket: Socket): void {
    this.sockets.add(socket.on("close", () => this.sockets.delete(socket)).on("error", () => socket.destroy()));
    const say = (line: string) => socket.write(`${line}\r\n`);
    let message: string[] | undefined;
    const lines = createInterface({ input: socket });
    // Who breaks off is gone; readline tells of it as well.
    lines.on("error", () => undefined);
    lines.on("line", (line) => {
      if (message === undefined) {
        const command = line.slice(0, 4).toUpperCase();
        if (command === "DATA") {
          message = [];
          say("354 go on");
        } else say(command === "QUIT" ? "221 bye" : "250 well");
      } else if (line === ".") {
        this.messages.push(message.join("\n"));
        message = undefined;
        say("250 taken");
      } else message.push(line);
    });
    say("220 mail.test");
  }
}
