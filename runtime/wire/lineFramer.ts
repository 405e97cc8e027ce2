/** What a framer hands on. */
export interface LineSink {
  readonly line: (text: string) => void;
  /** A line beyond the bound; only its first and last bytes are kept. */
  readonly oversize: (head: string, tail: string, bytes: number) => void;
}

const NEWLINE = 10;
const KEPT_BYTES = 512;

/**
 * Cuts a byte stream into lines (R-TRN-04). A line longer than `maxBytes` is dropped as it comes, so that memory stays
 * bounded (R-TRN-09), and what follows it is read normally.
 */
export class LineFramer {
  readonly #maxBytes: number;
  readonly #sink: LineSink;
  #parts: Buffer[] = [];
  #size = 0;
  #dropping = false;
  #head = "";
  #tail: Buffer = Buffer.alloc(0);

  constructor(maxBytes: number, sink: LineSink) {
    this.#maxBytes = maxBytes;
    this.#sink = sink;
  }

  push(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      this.#add(chunk.subarray(start, end));
      this.#finishLine();
      start = end + 1;
    }
    if (start < chunk.length) this.#add(chunk.subarray(start));
  }

  /** The stream ended: a last line without its newline still counts. */
  end(): void {
    if (this.#size > 0) this.#finishLine();
  }

  #add(piece: Buffer): void {
    this.#size += piece.length;
    if (!this.#dropping && this.#size > this.#maxBytes) {
      this.#dropping = true;
      this.#parts.push(piece);
      this.#head = Buffer.concat(this.#parts.map((part) => part.subarray(0, KEPT_BYTES))).toString(
        "latin1",
        0,
        KEPT_BYTES,
      );
      this.#parts = [];
    }
    if (this.#dropping)
      this.#tail = Buffer.from(Buffer.concat([this.#tail, piece.subarray(-KEPT_BYTES)]).subarray(-KEPT_BYTES));
    else this.#parts.push(piece);
  }

  #finishLine(): void {
    const only = this.#parts[0];
    if (this.#dropping) this.#sink.oversize(this.#head, this.#tail.toString("latin1"), this.#size);
    else {
      const bytes = this.#parts.length === 1 && only !== undefined ? only : Buffer.concat(this.#parts);
      this.#sink.line(bytes.toString("utf8"));
    }
    this.#parts = [];
    this.#size = 0;
    this.#dropping = false;
    this.#tail = Buffer.alloc(0);
  }
}
