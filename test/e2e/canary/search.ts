import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";

/** A value that is looked for. */
export interface Planted {
  /** What it is, for messages: never the value. */
  name: string;
  value: string;
  /** Component whose own process is given it in clear. @default nobody */
  heldBy?: string;
}

/** Something that was read at a place. */
export interface Piece {
  /** What it is, for messages. */
  of: string;
  content: Uint8Array | AsyncIterable<Uint8Array>;
  /** Component of whose own process this is: it may have what is `heldBy` it. @default none */
  holder?: string | undefined;
}

/** A value that stands in a piece. */
export interface Find {
  planted: Planted;
  /** How it is written there: "in clear", "base64", … */
  form: string;
  piece: Piece;
}

/** A shorter value would be found by chance in some hundred megabytes. */
const SHORTEST = 10;
const GZIP = 0x1f8b;

interface Needle {
  planted: Planted;
  form: string;
  bytes: Buffer;
}

/** Looks for many values at once, each in all its forms, in content of any size and through gzip. */
export class Search {
  private readonly byHead = new Map<number, Needle[]>();
  /** One byte per pair of bytes: does a needle begin so? */
  private readonly isHead = new Uint8Array(1 << 16);
  private readonly longest: number;

  /** @throws Error for a value that is too short to be told from chance. */
  constructor(values: readonly Planted[]) {
    const needles = values.flatMap((planted) => {
      if (planted.value.length < SHORTEST) throw new Error(`${planted.name} is shorter than ${SHORTEST} characters`);
      return [...formsOf(planted.value)].map(([form, bytes]): Needle => ({ planted, form, bytes }));
    });
    for (const needle of needles) {
      const head = needle.bytes.readUInt16BE(0);
      this.isHead[head] = 1;
      this.byHead.set(head, [...(this.byHead.get(head) ?? []), needle]);
    }
    this.longest = Math.max(0, ...needles.map(({ bytes }) => bytes.length));
  }

  /** What stands in the piece, each value and form once. */
  async findIn(piece: Piece): Promise<Find[]> {
    const found = new Set<Needle>();
    await readThrough(piece.content, async (chunks) => {
      let tail = Buffer.alloc(0);
      for await (const chunk of chunks) {
        const text = Buffer.concat([tail, chunk]);
        this.scan(text, found);
        // A value may stand across two chunks.
        tail = text.subarray(Math.max(0, text.length - this.longest + 1));
      }
    });
    return [...found].map(({ planted, form }) => ({ planted, form, piece }));
  }

  private scan(text: Buffer, found: Set<Needle>): void {
    for (let at = 0; at + 1 < text.length; at++) {
      const head = (text[at] << 8) | text[at + 1];
      if (this.isHead[head] === 0) continue;
      for (const needle of this.byHead.get(head) ?? []) {
        const end = at + needle.bytes.length;
        if (end <= text.length && text.compare(needle.bytes, 0, needle.bytes.length, at, end) === 0) found.add(needle);
      }
    }
  }
}

/** Form → how the value is written there; none twice. */
export function formsOf(value: string): Map<string, Buffer> {
  const json = JSON.stringify(value).slice(1, -1);
  const forms: [form: string, text: string][] = [
    ["in clear", value],
    ["JSON", json],
    ["JSON in JSON", JSON.stringify(json).slice(1, -1)],
    ["URL", encodeURIComponent(value)],
    ["hexadecimal", Buffer.from(value).toString("hex")],
  ];
  for (const before of [0, 1, 2]) {
    const text = base64Within(value, before);
    forms.push([`base64 after ${before} bytes`, text]);
    forms.push([`base64url after ${before} bytes`, text.replaceAll("+", "-").replaceAll("/", "_")]);
  }
  const texts = forms.map(([, text]) => text);
  const different = forms.filter(([, text], i) => texts.indexOf(text) === i);
  return new Map(different.map(([form, text]) => [form, Buffer.from(text)]));
}

/** What of its base64 depends on the value alone, where it stands `before` bytes behind a multiple of three in something longer. */
function base64Within(value: string, before: number): string {
  const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(value)]);
  return bytes.toString("base64").slice(Math.ceil((before * 8) / 6), Math.floor((bytes.length * 8) / 6));
}

/** Hands the content on, unpacked where it is gzip. */
async function readThrough(
  content: Piece["content"],
  scan: (chunks: AsyncIterable<Buffer>) => Promise<void>,
): Promise<void> {
  const chunks = Readable.from(content instanceof Uint8Array ? [content] : content)[Symbol.asyncIterator]();
  const first = (await chunks.next()) as IteratorResult<Uint8Array, undefined>;
  if (first.done === true) return;
  const head = Buffer.from(first.value);
  const whole = async function* (): AsyncGenerator<Buffer> {
    yield head;
    for await (const chunk of { [Symbol.asyncIterator]: () => chunks }) yield Buffer.from(chunk as Uint8Array);
  };
  if (head.length > 1 && head.readUInt16BE(0) === GZIP) await pipeline(whole, createGunzip(), scan);
  else await scan(whole());
}
