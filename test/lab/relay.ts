/** Listens on the loopback of where it runs, and hands every connection on to a socket: `relay.ts PORT SOCKET`. */
import { connect, createServer } from "node:net";

const [port, socket = ""] = process.argv.slice(2);
const server = createServer((caller) => {
  const called = connect(socket);
  caller.pipe(called).pipe(caller);
  caller.on("error", () => called.destroy());
  called.on("error", () => caller.destroy());
});
server.listen(Number(port), "127.0.0.1", () => process.stdout.write("listening\n"));
