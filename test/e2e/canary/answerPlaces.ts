import type { HidingPlace, Leak, Scene } from "./hidingPlace.ts";
import { openCanary } from "./planted.ts";
import type { Piece } from "./search.ts";

/** What the estate and its commands say. */
export function answerPlaces({ estate, open, printed, watch, run, ask, formerToken }: Scene): HidingPlace[] {
  const inName = (): Promise<Leak> => Promise.resolve({ canary: open.server });
  const bad: Parameters<Scene["ask"]>[] = [];
  const execute = (body: object) => ask("/execute", { method: "POST", body: JSON.stringify(body) });

  return [
    {
      name: "what commands print",
      leak: inName,
      *read() {
        for (const { command, output } of printed) yield text(command, output);
      },
    },
    {
      name: "what the engine shows of outputs, settings and state unless it is asked for secrets",
      leak: inName,
      async *read() {
        for (const words of ["stack output --json", "stack export", "stack history --json"])
          yield text(words, await run("pulumi", ...words.split(" ")));
      },
    },
    {
      name: "event logs of the engine, of previews and updates",
      leak: () => Promise.resolve({ canary: open.setting }),
      read: () => watch.eventLogs(),
    },
    {
      name: "metrics and states of gateway and supervisors",
      leak: inName,
      async *read() {
        for (const path of ["/metrics", "/servers", "/status", "/health", "/ready"])
          yield text(`gateway ${path}`, (await ask(path)).text);
        for (const component of [open.server, "everything", "gateway"]) {
          for (const path of ["/metrics", "/limits", "/health", "/ready"]) {
            const { output } = await estate.exec(component, ["curl", "-s", `http://127.0.0.1:8000${path}`]);
            yield text(`${component} ${path}`, output);
          }
        }
      },
    },
    {
      name: "answers to bad requests",
      leak() {
        const canary = openCanary();
        bad.push(["/execute", { method: "POST", body: JSON.stringify({ server: canary, tool: "none" }) }]);
        return Promise.resolve({ canary });
      },
      async *read() {
        const answers = [
          await ask("/servers", { token: "wrong" }),
          await ask("/servers", { token: formerToken() }),
          await ask("/nowhere"),
          await ask("/execute", { method: "POST", body: "{ no JSON" }),
          await execute({ server: "everything" }),
          await execute({ server: "everything", tool: "none" }),
          // The server's own words.
          await execute({ server: "everything", tool: "echo", arguments: {} }),
          await execute({ server: open.server, tool: "create_entities", arguments: { entities: "none" } }),
          await ask("/mcp", { method: "POST", body: "{ no JSON" }),
          await ask("/servers/everything/mcp", { method: "POST", body: "{ no JSON" }),
        ];
        for (const request of bad) answers.push(await ask(...request));
        for (const { status, text: body } of answers) {
          if (status < 400) throw new Error(`a bad request was answered with ${status}: ${body}`);
          yield text(`an answer with ${status}`, body);
        }
      },
    },
  ];
}

function text(of: string, content: string): Piece {
  return { of, content: Buffer.from(content) };
}
