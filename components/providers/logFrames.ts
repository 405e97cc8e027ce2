/** Docker puts eight bytes before each piece of output: stream, three zeros, length. */
export function withoutFrames(buffer: Buffer): string {
  let text = "";
  for (let at = 0; at + 8 <= buffer.length;) {
    const length = buffer.readUInt32BE(at + 4);
    text += buffer.toString("utf8", at + 8, at + 8 + length);
    at += 8 + length;
  }
  return text;
}
