import type { ContainerView, ServerView } from "../view.ts";
import { ago, mebibytes, mood } from "./words.ts";

export interface MatrixProps {
  servers: readonly ServerView[];
  containers: readonly ContainerView[];
  filter: string;
  /** Name of the row that the charts bring out. */
  chosen: string | undefined;
  onChoose: (name: string | undefined) => void;
}

interface Row {
  name: string;
  server: ServerView | undefined;
  container: ContainerView | undefined;
}

/** What needs somebody comes first. */
const RANK = { bad: 0, warn: 1, good: 2 };

/** Every server by its last proof, and every other container, with what it uses of its limits. */
export function Matrix({ servers, containers, filter, chosen, onChoose }: MatrixProps) {
  const byName = new Map(containers.map((container) => [container.name, container]));
  const names = new Set(servers.map(({ name }) => name));
  const rows: Row[] = [
    ...servers
      .map((server) => ({ name: server.name, server, container: byName.get(server.name) }))
      .sort((a, b) => RANK[mood(a.server.state)] - RANK[mood(b.server.state)]),
    ...containers
      .filter(({ name }) => !names.has(name))
      .map((container) => ({ name: container.name, server: undefined, container })),
  ];
  const shown = rows.filter(({ name, server }) =>
    `${name} ${server?.state ?? ""}`.includes(filter.trim().toLowerCase()),
  );
  return (
    <div class="scroll">
      <table>
        <caption class="quiet">
          {shown.length} of {rows.length} shown
        </caption>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">State</th>
            <th scope="col">Last proof</th>
            <th scope="col">Tasks</th>
            <th scope="col">Memory</th>
            <th scope="col" class="wide">
              Why
            </th>
          </tr>
        </thead>
        <tbody>
          {shown.map(({ name, server, container }) => (
            <tr key={name} class={name === chosen ? "chosen" : ""}>
              <th scope="row">
                <button
                  type="button"
                  class="name"
                  aria-pressed={name === chosen}
                  onClick={() => onChoose(name === chosen ? undefined : name)}
                >
                  {name}
                </button>
              </th>
              <td>
                {server ? (
                  <span class={`state ${mood(server.state)}`}>
                    {server.listsOnly && server.state === "healthy" ? "lists only" : server.state}
                  </span>
                ) : (
                  <span class="quiet">runs</span>
                )}
              </td>
              <td class="number">
                {server ? (server.ageSeconds === null ? "never" : `${ago(server.ageSeconds)} ago`) : "–"}
              </td>
              <td class="number">
                {container && (
                  <Use name={`tasks of ${name}`} used={container.tasks} limit={container.pidsLimit} say={String} />
                )}
              </td>
              <td class="number">
                {container && (
                  <Use
                    name={`memory of ${name}`}
                    used={container.memoryBytes}
                    limit={container.memoryLimitBytes}
                    say={mebibytes}
                  />
                )}
              </td>
              <td class="wide quiet">{server?.reason}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Use({
  name,
  used,
  limit,
  say,
}: {
  name: string;
  used: number;
  limit: number;
  say: (value: number) => string;
}) {
  return (
    <>
      <meter
        class="wide"
        aria-label={name}
        min={0}
        max={limit}
        low={0.75 * limit}
        high={0.9 * limit}
        optimum={0}
        value={used}
      />{" "}
      {say(used)} / {say(limit)}
    </>
  );
}
