import { useEffect, useState } from "preact/hooks";
import type { History, LogView, Overview } from "../view.ts";
import { LoggedOut, logOut, readHistory, readLog, readOverview } from "./api.ts";
import { Chart } from "./chart.tsx";
import { Actions, Alerts } from "./lists.tsx";
import { Log } from "./log.tsx";
import { Login } from "./login.tsx";
import { Matrix } from "./matrix.tsx";
import { messageOf } from "./words.ts";

const OVERVIEW_MS = 2000;
const HISTORY_MS = 15_000;
const LOG_MS = 3000;
const SPANS = [
  [15, "15 minutes"],
  [60, "1 hour"],
  [360, "6 hours"],
] as const;
const NO_HISTORY: History = { times: [], tasks: [], memory: [] };

/** Asks again and again while it is shown. */
function useRepeated<T>(
  read: () => Promise<T>,
  everyMs: number,
  onFault: (error: unknown) => void,
  deps: unknown[],
): T | undefined {
  const [value, setValue] = useState<T>();
  useEffect(() => {
    let over = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const again = (): void => {
      read()
        .then(
          (news) => over || setValue(news),
          (error: unknown) => over || onFault(error),
        )
        .finally(() => {
          if (!over) timer = setTimeout(again, everyMs);
        });
    };
    again();
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, deps);
  return value;
}

export function App() {
  const [inside, setInside] = useState(true);
  return inside ? <Inside onLoggedOut={() => setInside(false)} /> : <Login onDone={() => setInside(true)} />;
}

function Inside({ onLoggedOut }: { onLoggedOut: () => void }) {
  const [fault, setFault] = useState("");
  const [filter, setFilter] = useState("");
  const [minutes, setMinutes] = useState<number>(SPANS[0][0]);
  const [chosen, setChosen] = useState<string>();
  const onFault = (error: unknown): void => (error instanceof LoggedOut ? onLoggedOut() : setFault(messageOf(error)));
  const read = async (): Promise<Overview> => {
    const news = await readOverview();
    setFault(news.faults.join("; "));
    return news;
  };
  const overview = useRepeated(read, OVERVIEW_MS, onFault, []);
  const history = useRepeated(() => readHistory(minutes), HISTORY_MS, onFault, [minutes]) ?? NO_HISTORY;
  const [logFault, setLogFault] = useState("");
  // The log is that of all containers of a component.
  const component = chosen?.replace(/--\d+$/, "");
  const withLogs = overview?.logs === true;
  const readChosen = async (): Promise<LogView | undefined> => {
    if (component === undefined || !withLogs) return undefined;
    const news = await readLog(component);
    setLogFault("");
    return news;
  };
  const onLogFault = (error: unknown): void =>
    error instanceof LoggedOut ? onLoggedOut() : setLogFault(messageOf(error));
  const log = useRepeated(readChosen, LOG_MS, onLogFault, [component, withLogs]);
  if (overview === undefined) return <main aria-busy="true">{fault || "Asking the estate…"}</main>;
  const well = overview.servers.filter(({ state }) => state === "healthy" || state === "degraded");
  const listing = well.filter(({ listsOnly }) => listsOnly).length;
  const working = well.length - listing;
  const stopped = overview.servers.filter(({ state }) => state === "stopped").length;
  const all = overview.servers.length;
  return (
    <>
      <header>
        <h1>
          {overview.estate}/{overview.stack}
        </h1>
        <p role="status" class={well.length + stopped === all && all > 0 ? "good" : "bad"}>
          {working} of {all} servers work, {listing > 0 && `${listing} list their tools only, `}
          {stopped > 0 && `${stopped} stopped as declared, `}
          {overview.alerts.length === 1 ? "1 alert" : `${overview.alerts.length} alerts`}
        </p>
        <button type="button" onClick={() => void logOut().then(onLoggedOut, onFault)}>
          Log out
        </button>
      </header>
      <main>
        <p role="alert" class="bad">
          {fault}
        </p>
        <h2>Alerts</h2>
        <Alerts alerts={overview.alerts} />
        <h2>Share of limits</h2>
        <div class="tools">
          <label for="span">History</label>
          <select id="span" value={minutes} onChange={(event) => setMinutes(Number(event.currentTarget.value))}>
            {SPANS.map(([value, words]) => (
              <option key={value} value={value}>
                {words}
              </option>
            ))}
          </select>
        </div>
        <div class="charts">
          <Chart title="Tasks" times={history.times} lines={history.tasks} chosen={chosen} />
          <Chart title="Memory" times={history.times} lines={history.memory} chosen={chosen} />
        </div>
        <h2>Actions</h2>
        <Actions actions={overview.actions} />
        <h2>Servers and containers</h2>
        <div class="tools">
          <label for="filter">Filter</label>
          <input id="filter" type="search" value={filter} onInput={(event) => setFilter(event.currentTarget.value)} />
        </div>
        <Matrix {...overview} filter={filter} chosen={chosen} onChoose={setChosen} />
        {withLogs && (
          <section class={component === undefined ? "" : "dock"}>
            <h2>Log{component === undefined ? "" : ` of ${component}`}</h2>
            <Log container={component} log={log} fault={logFault} />
          </section>
        )}
      </main>
    </>
  );
}
