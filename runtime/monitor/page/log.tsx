import { useEffect, useRef } from "preact/hooks";
import type { LogView } from "../view.ts";

export interface LogProps {
  /** undefined: nobody has been chosen. */
  container: string | undefined;
  /** undefined: not read yet. */
  log: LogView | undefined;
  fault: string;
}

/** So far from the end is still at it. */
const LINE_PX = 24;

/** The end of what one container has written, which goes on while it is looked at. */
export function Log({ container, log, fault }: LogProps) {
  const lines = log?.container === container ? log?.lines : undefined;
  const box = useRef<HTMLPreElement>(null);
  const follows = useRef(true);
  const last = lines?.at(-1)?.at;
  // Whoever has scrolled up reads there, until another container is chosen.
  useEffect(() => {
    follows.current = true;
  }, [container]);
  useEffect(() => {
    if (box.current && follows.current) box.current.scrollTop = box.current.scrollHeight;
  }, [container, last, lines?.length]);
  const onScroll = (): void => {
    const at = box.current;
    if (at) follows.current = at.scrollHeight - at.scrollTop - at.clientHeight < LINE_PX;
  };
  if (container === undefined) return <p class="quiet">Choose a name in the table.</p>;
  if (fault) return <p class="bad">{fault}</p>;
  if (lines === undefined) return <p class="quiet">Reading…</p>;
  if (lines.length === 0) return <p class="quiet">It has written nothing.</p>;
  return (
    <pre class="log" ref={box} onScroll={onScroll} tabIndex={0} role="log" aria-label={`log of ${container}`}>
      {lines.map(({ at, stream, text }, index) => (
        <span key={index} class={stream === "stderr" ? "warn" : ""}>
          <time class="quiet">{at.slice(11, 19)}</time> {text}
          {"\n"}
        </span>
      ))}
    </pre>
  );
}
