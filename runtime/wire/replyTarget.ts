import type { OutgoingHttpHeaders } from "node:http";

/** Where an answer goes: what is used of node's ServerResponse, so that the trunk can stand in for it. */
export interface ReplyTarget {
  readonly destroyed: boolean;
  readonly headersSent: boolean;
  readonly writableEnded: boolean;
  /** Bytes that wait for a slow reader. */
  readonly writableLength: number;
  writeHead(status: number, headers?: OutgoingHttpHeaders): unknown;
  write(text: string): unknown;
  end(text?: string): unknown;
  destroy(): unknown;
  /** The reader is gone, or everything is sent. */
  on(event: "close", listener: () => void): unknown;
}
