/**
 * Finds where the members of a JSON object stand in its text, so that one value can be replaced while all else is
 * forwarded byte for byte. The text must already have passed JSON.parse: nothing here checks the grammar again.
 */

/** Half-open range of characters. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** An object that names one key twice; readers disagree about which one counts, so such a message is refused. */
export class DuplicateKeyError extends Error {
  override readonly name = "DuplicateKeyError";
}

const QUOTE = 34;
const BACKSLASH = 92;
const COMMA = 44;
const OPEN_BRACKET = 91;
const CLOSE_BRACKET = 93;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;

function isSpace(code: number): boolean {
  return code === 32 || code === 10 || code === 13 || code === 9;
}

function skipSpace(text: string, at: number): number {
  let index = at;
  while (isSpace(text.charCodeAt(index))) index += 1;
  return index;
}

/** `at` is the opening quote; returns the index behind the closing one. */
function skipString(text: string, at: number): number {
  let quote = text.indexOf('"', at + 1);
  for (;;) {
    let slashes = 0;
    while (text.charCodeAt(quote - 1 - slashes) === BACKSLASH) slashes += 1;
    if (slashes % 2 === 0) return quote + 1;
    quote = text.indexOf('"', quote + 1);
  }
}

function skipNested(text: string, at: number): number {
  let depth = 0;
  let index = at;
  for (;;) {
    const code = text.charCodeAt(index);
    if (code === QUOTE) {
      index = skipString(text, index);
      continue;
    }
    if (code === OPEN_BRACE || code === OPEN_BRACKET) depth += 1;
    if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
      depth -= 1;
      if (depth === 0) return index + 1;
    }
    index += 1;
  }
}

function skipValue(text: string, at: number): number {
  const code = text.charCodeAt(at);
  if (code === QUOTE) return skipString(text, at);
  if (code === OPEN_BRACE || code === OPEN_BRACKET) return skipNested(text, at);
  let index = at;
  for (; index < text.length; index += 1) {
    const next = text.charCodeAt(index);
    if (next === COMMA || next === CLOSE_BRACE || next === CLOSE_BRACKET || isSpace(next)) break;
  }
  return index;
}

/**
 * The value spans of the object that begins at or behind `from`.
 * Throws DuplicateKeyError when a key stands twice in it.
 */
export function memberSpans(text: string, from = 0): Map<string, Span> {
  const members = new Map<string, Span>();
  let index = skipSpace(text, skipSpace(text, from) + 1);
  while (text.charCodeAt(index) === QUOTE) {
    const keyEnd = skipString(text, index);
    const quoted = text.slice(index, keyEnd);
    const key = quoted.includes("\\") ? String(JSON.parse(quoted)) : quoted.slice(1, -1);
    const start = skipSpace(text, skipSpace(text, keyEnd) + 1);
    const end = skipValue(text, start);
    if (members.has(key)) throw new DuplicateKeyError(`the key ${JSON.stringify(key)} stands twice`);
    members.set(key, { start, end });
    index = skipSpace(text, end);
    if (text.charCodeAt(index) === COMMA) index = skipSpace(text, index + 1);
  }
  return members;
}

/** The span of a value inside nested objects, or undefined when a step is missing or is no object. */
export function findSpan(text: string, path: readonly string[], from = 0): Span | undefined {
  let span: Span = { start: skipSpace(text, from), end: text.length };
  for (const key of path) {
    if (text.charCodeAt(span.start) !== OPEN_BRACE) return undefined;
    const next = memberSpans(text, span.start).get(key);
    if (next === undefined) return undefined;
    span = next;
  }
  return span;
}

/** Replaces spans that do not overlap; they may come in any order. */
export function replaceSpans(text: string, edits: readonly { readonly span: Span; readonly text: string }[]): string {
  const ordered = edits.length > 1 ? [...edits].sort((a, b) => a.span.start - b.span.start) : edits;
  let result = "";
  let copied = 0;
  for (const edit of ordered) {
    result += text.slice(copied, edit.span.start) + edit.text;
    copied = edit.span.end;
  }
  return result + text.slice(copied);
}
