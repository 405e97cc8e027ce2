import assert from "node:assert/strict";
import { markdownTable } from "../../../scripts/bench/results.ts";

/** One thing to be tried. */
export interface Target {
  /** Row of the matrix. */
  to: string;
  /** As the probe takes it: `ADDRESS:PORT`, `HOST:PORT` or a name. */
  place: string;
  /** Those who are declared to reach it. */
  openTo: readonly string[];
}

/** What one place reached of what was tried there. */
interface Cell {
  declared: string[];
  reached: string[];
  tried: string[];
}

/** From × to: what is declared, what was measured, and what the same probe reached from where it may. */
export class Matrix {
  private readonly cells = new Map<string, Map<string, Cell>>();
  private readonly froms: string[] = [];

  /** What leads to itself is left out. @param reached places of the targets that were reached. */
  add(from: string, targets: readonly Target[], reached: readonly string[]): void {
    this.froms.push(from);
    const known = new Set(reached);
    for (const { to, place, openTo } of targets) {
      const row = this.cells.get(to) ?? new Map<string, Cell>();
      this.cells.set(to, row);
      if (to === from) continue;
      const cell: Cell = row.get(from) ?? { declared: [], reached: [], tried: [] };
      cell.tried.push(place);
      if (openTo.includes(from)) cell.declared.push(place);
      if (known.has(place)) cell.reached.push(place);
      row.set(from, cell);
    }
  }

  /** @throws AssertionError naming each place that is reached and not declared, or declared and not reached. */
  assertAsDeclared(from: string): void {
    const differences = [...this.cells].flatMap(([to, row]) => {
      const cell = row.get(from);
      if (!cell) return [];
      const { declared, reached } = cell;
      return [
        ...reached.filter((place) => !declared.includes(place)).map((place) => `${from} reaches ${to} at ${place}`),
        ...declared.filter((place) => !reached.includes(place)).map((place) => `${from} lacks ${to} at ${place}`),
      ];
    });
    assert.deepEqual(differences, []);
  }

  /** As a Markdown table; a cell says `declared → measured of tried`. */
  render(): string {
    const froms = [...new Set(this.froms)];
    const rows = [...this.cells].map(([to, row]) => [
      to,
      ...froms.map((from) => {
        const cell = row.get(from);
        return cell ? `${cell.declared.length} → ${cell.reached.length} of ${cell.tried.length}` : "–";
      }),
    ]);
    return markdownTable(["to \\ from", ...froms], rows);
  }
}
