/** Lines per second that go to the log; a server that prints without end must not fill the disk (R-VOL-11). */
const LINES_PER_SECOND = 20;
const KEPT_LINES = 50;
const MAX_LINE_CHARS = 500;

/**
 * The output of a child on its way to the log: cut, rate limited, counted, and the last lines kept as evidence
 * (R-PRC-15).
 */
export class LineLog {
  readonly #write: (line: string, dropped: number) => void;
  readonly #now: () => number;
  #kept: string[] = [];
  #second = 0;
  #inSecond = 0;
  #dropped = 0;

  constructor(write: (line: string, dropped: number) => void, now: () => number = Date.now) {
    this.#write = write;
    this.#now = now;
  }

  add(line: string): void {
    const short = line.length > MAX_LINE_CHARS ? `${line.slice(0, MAX_LINE_CHARS)}…` : line;
    this.#kept.push(short);
    if (this.#kept.length > KEPT_LINES) this.#kept.shift();
    const second = Math.floor(this.#now() / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#inSecond = 0;
    }
    this.#inSecond += 1;
    if (this.#inSecond > LINES_PER_SECOND) {
      this.#dropped += 1;
      return;
    }
    this.#write(short, this.#dropped);
    this.#dropped = 0;
  }

  /** The last lines, oldest first. */
  get last(): readonly string[] {
    return this.#kept;
  }
}
