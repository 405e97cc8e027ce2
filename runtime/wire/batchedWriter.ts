/**
 * Collects what is written during one turn of the event loop and hands it on in one piece at its end. With ten callers
 * that is one system call instead of ten; a single caller waits no longer, as the turn ends right after its input was
 * read.
 */
export class BatchedWriter {
  readonly #write: (text: string) => void;
  #pending = "";

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  /** Characters that are not handed on yet. */
  get pendingLength(): number {
    return this.#pending.length;
  }

  push(text: string): void {
    if (this.#pending === "") setImmediate(this.flush);
    this.#pending += text;
  }

  readonly flush = (): void => {
    if (this.#pending === "") return;
    const text = this.#pending;
    this.#pending = "";
    this.#write(text);
  };
}
