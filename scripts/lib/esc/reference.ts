import { UserError } from "../userError.ts";

/** `a.b["c"][0]`: names and indices. */
export type Path = ReadonlyArray<string | number>;

/** A text in pieces: verbatim, or a reference. */
export type Part = string | { readonly path: Path };

/**
 * Takes a text apart: `${a.b}` is a reference, `$$` a dollar.
 * @param where the text stands, for the error.
 * @throws UserError for a reference that does not end or has no path.
 */
export function partsOf(text: string, where: string): Part[] {
  const parts: Part[] = [];
  let verbatim = "";
  let at = 0;
  while (at < text.length) {
    if (text.startsWith("$$", at)) {
      verbatim += "$";
      at += 2;
    } else if (text.startsWith("${", at)) {
      const { path, end } = readPath(text, at + 2, where);
      if (verbatim !== "") parts.push(verbatim);
      verbatim = "";
      parts.push({ path });
      at = end;
    } else {
      verbatim += text[at] ?? "";
      at += 1;
    }
  }
  if (verbatim !== "") parts.push(verbatim);
  return parts;
}

/** As it is written: names behind dots where they need no quotes. */
export function pathText(path: Path): string {
  return path
    .map((step, i) => {
      if (typeof step === "number") return `[${step}]`;
      if (!/^[A-Za-z_$][\w$-]*$/.test(step)) return `[${JSON.stringify(step)}]`;
      return i === 0 ? step : `.${step}`;
    })
    .join("");
}

const NAME = /[^.[\]}"]+/y;
const INDEX = /\[(\d+)\]/y;
const QUOTED = /\["((?:\\"|[^"])+)"\]/y;

function readPath(text: string, start: number, where: string): { path: Path; end: number } {
  const fail = (reason: string): never => {
    throw new UserError(`${where}: the reference ${JSON.stringify(text.slice(start - 2))} ${reason}`);
  };
  const take = (pattern: RegExp, at: number): RegExpExecArray | null => {
    pattern.lastIndex = at;
    return pattern.exec(text);
  };
  const path: Array<string | number> = [];
  let at = start;
  while (text[at] !== "}") {
    if (at >= text.length) fail('has no "}"');
    const isNext = text[at] === "." && path.length > 0;
    const name = text[at] === "[" ? null : take(NAME, isNext ? at + 1 : at);
    const index = take(INDEX, at);
    const quoted = take(QUOTED, at);
    if (name !== null && (isNext || path.length === 0)) {
      path.push(name[0]);
      at += name[0].length + (isNext ? 1 : 0);
    } else if (quoted !== null) {
      path.push((quoted[1] ?? "").replaceAll('\\"', '"'));
      at += quoted[0].length;
    } else if (index !== null && path.length > 0) {
      path.push(Number(index[1]));
      at += index[0].length;
    } else {
      fail('is none; allowed is ${a.b["c"][0]}, and $${ for the text itself');
    }
  }
  if (path.length === 0 || /^\d+$/.test(String(path[0])))
    fail('has no name to begin with; write ${name} or ${["name"]}');
  return { path, end: at + 1 };
}
