import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import type { Line } from "../view.ts";

export interface ChartProps {
  title: string;
  times: readonly number[];
  lines: readonly Line[];
  /** The line that is brought out. */
  chosen: string | undefined;
}

const HEIGHT = 180;
const FULL = 1;

/** A canvas takes colours only as they are in the end: of the light or the dark ones. */
function colourOf(element: HTMLElement, name: string): string {
  const probe = element.appendChild(document.createElement("span"));
  probe.style.color = `var(${name})`;
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

function clock(unixSeconds: number): string {
  return new Date(unixSeconds * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false });
}

/** One line for each container: its share of a limit over time. The table beside it says the present in words. */
export function Chart({ title, times, lines, chosen }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    const text = colourOf(element, "--text");
    const [chosenColour, colour] = [colourOf(element, "--good"), colourOf(element, "--quiet")];
    const axis = { stroke: text, grid: { stroke: colourOf(element, "--line"), width: 1 }, ticks: { show: false } };
    const chart = new uPlot(
      {
        width: element.clientWidth,
        height: HEIGHT,
        scales: { y: { range: (_, __, max) => [0, Math.max(FULL, max)] } },
        axes: [
          { ...axis, values: (_, values) => values.map(clock) },
          { ...axis, size: 48, values: (_, values) => values.map((value) => `${Math.round(value * 100)} %`) },
        ],
        cursor: { drag: { x: false, y: false } },
        series: [
          {},
          ...lines.map(({ name }) => ({
            label: name,
            stroke: name === chosen ? chosenColour : colour,
            width: name === chosen ? 3 : 1,
            alpha: chosen === undefined || name === chosen ? 0.8 : 0.2,
            points: { show: false },
          })),
        ],
      },
      [[...times], ...lines.map(({ shares }) => [...shares])],
      element,
    );
    element.dataset["points"] = String(times.length);
    const resize = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height: HEIGHT }));
    resize.observe(element);
    return () => {
      resize.disconnect();
      chart.destroy();
    };
  }, [times, lines, chosen]);
  const highest = lines
    .map(({ name, shares }) => ({ name, share: shares.findLast((value) => value !== null) ?? 0 }))
    .sort((a, b) => b.share - a.share)[0];
  const words = highest ? `highest now: ${highest.name} with ${Math.round(highest.share * 100)} %` : "no history yet";
  return (
    <figure>
      <figcaption>
        {title} <span class="quiet">({words})</span>
      </figcaption>
      <div ref={place} role="img" aria-label={`${title}: ${words}`} />
    </figure>
  );
}
