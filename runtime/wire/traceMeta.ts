import { isRecord, parseEnvelope, type Envelope } from "./envelope.ts";
import { findSpan, replaceSpans, type Span } from "./jsonSpans.ts";

export interface TraceContext {
  readonly traceparent: string | undefined;
  readonly tracestate: string | undefined;
}

/** W3C trace context; anything else is not handed on. */
const TRACEPARENT = /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/;
const MAX_TRACESTATE = 512;

const at = (index: number): Span => ({ start: index, end: index });

/** Inserts members right behind an object's opening brace. */
function into(text: string, object: Span, members: string): { span: Span; text: string } {
  const isEmpty = /^\{\s*\}$/.test(text.slice(object.start, object.end));
  return { span: at(object.start + 1), text: isEmpty ? members : `${members},` };
}

/**
 * The request with the caller's trace context in `params._meta`, where revision 2026-07-28 has a place for it and
 * earlier ones let any key stand: a server that traces joins the caller's trace. What the caller wrote there wins.
 */
export function withTrace(envelope: Envelope, { traceparent, tracestate }: TraceContext): Envelope {
  if (traceparent === undefined || !TRACEPARENT.test(traceparent)) return envelope;
  const { text, params } = envelope;
  const meta = params?.["_meta"];
  if (isRecord(meta) && meta["traceparent"] !== undefined) return envelope;
  const context = {
    traceparent,
    ...(tracestate !== undefined && tracestate.length <= MAX_TRACESTATE && { tracestate }),
  };
  const members = JSON.stringify(context).slice(1, -1);
  const metaSpan = isRecord(meta) ? findSpan(text, ["params", "_meta"]) : undefined;
  const paramsSpan = params === undefined ? undefined : findSpan(text, ["params"]);
  const whole = findSpan(text, []);
  let edit;
  if (metaSpan !== undefined) edit = into(text, metaSpan, members);
  else if (paramsSpan !== undefined && meta === undefined) edit = into(text, paramsSpan, `"_meta":{${members}}`);
  else if (paramsSpan === undefined && whole !== undefined) edit = into(text, whole, `"params":{"_meta":{${members}}}`);
  return edit === undefined ? envelope : parseEnvelope(replaceSpans(text, [edit]));
}
