import type { Readable } from "node:stream";
import tar from "tar-stream";
import type { Piece } from "./search.ts";

/** The files of a tar archive, each to be read before the next is asked for. @param wanted by its name in the archive */
export async function* entriesOf(
  archive: Readable,
  of: string,
  wanted: (name: string) => boolean = () => true,
): AsyncGenerator<Piece> {
  const extract = tar.extract();
  archive.on("error", (error) => extract.destroy(error)).pipe(extract);
  for await (const entry of extract) {
    const { name } = entry.header;
    if (wanted(name)) yield { of: `${name} in ${of}`, content: entry as AsyncIterable<Uint8Array> };
    else entry.resume();
  }
}
