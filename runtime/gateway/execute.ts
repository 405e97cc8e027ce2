import * as z from "zod";
import { isRecord, parseEnvelope, requestText, type Envelope } from "../wire/envelope.ts";
import { Fault, type FaultKind } from "../wire/faults.ts";
import { findSpan } from "../wire/jsonSpans.ts";
import { nextCallId } from "./callId.ts";
import type { CommonLinks } from "./commonLinks.ts";
import { routedCall } from "./routedCall.ts";
import type { TraceHeaders } from "./upstreamLink.ts";
import { missingTool, type VisibleServer, type VisibleServers } from "./visibleServers.ts";

const executeSchema = z
  .strictObject({
    server: z.string().min(1),
    tool: z.string().min(1).optional(),
    /** The older name of `tool` (R-GW-02). */
    command: z.string().min(1).optional(),
    arguments: z.record(z.string(), z.json()).optional(),
  })
  .refine((body) => (body.tool === undefined) !== (body.command === undefined), {
    path: ["tool"],
    message: 'exactly one of "tool" and "command" is needed',
  });

export interface ExecuteCall {
  readonly server: string;
  readonly tool: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

/** Reads the body of `POST /execute`. Throws Fault "bad-request" (400) that names each wrong field. */
export function parseExecute(text: string): ExecuteCall {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Fault("bad-request", "the body is not valid JSON");
  }
  const parsed = executeSchema.safeParse(value);
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `${issue.path.join(".") || "body"}: ${issue.message}`);
    throw new Fault("bad-request", faults.join("; "));
  }
  const { server, tool, command } = parsed.data;
  return { server, tool: tool ?? command ?? "", arguments: parsed.data.arguments ?? {} };
}

/** Text of a result and whether the tool itself reported a failure. */
export interface ToolAnswer {
  readonly text: string;
  readonly isError: boolean;
}

const FAULT_KINDS: ReadonlySet<string> = new Set<FaultKind>([
  "upstream",
  "lost",
  "unavailable",
  "overloaded",
  "timeout",
  "too-large",
  "too-many",
]);
/** JSON-RPC: the caller's arguments are wrong. */
const INVALID_PARAMS = -32602;

/** Our own supervisor says which fault it was; any other error is the server's (502), or the caller's when it says so. */
function faultOf(name: string, envelope: Envelope): Fault {
  const { error } = envelope;
  const kind = isRecord(error?.data) ? error.data["fault"] : undefined;
  const message = `${name}: ${error?.message ?? "error"}`;
  if (typeof kind === "string" && FAULT_KINDS.has(kind)) return new Fault(kind as FaultKind, message);
  return new Fault(error?.code === INVALID_PARAMS ? "bad-request" : "upstream", message);
}

/** The tool result of a response. Throws Fault: an error or an empty answer never passes for a result (R-GW-06). */
export function toolAnswer(name: string, status: number, body: string): ToolAnswer {
  let envelope: Envelope;
  try {
    envelope = parseEnvelope(body);
  } catch {
    throw new Fault("upstream", `${name} answered with HTTP ${status} and no JSON-RPC message`);
  }
  if (envelope.error !== undefined) throw faultOf(name, envelope);
  const { result } = envelope;
  const span = findSpan(envelope.text, ["result"]);
  const hasContent =
    isRecord(result) && (Array.isArray(result["content"]) || result["structuredContent"] !== undefined);
  if (status !== 200 || span === undefined || !hasContent) {
    throw new Fault("upstream", `${name} answered without a tool result (HTTP ${status})`);
  }
  return { text: envelope.text.slice(span.start, span.end), isError: result["isError"] === true };
}

/** Who calls: what it may reach, the link that its calls take, and its trace. */
export interface Caller {
  readonly principal: string;
  readonly servers: VisibleServers;
  readonly trace: TraceHeaders;
}

export interface ExecuteOptions {
  readonly visible: VisibleServer;
  readonly call: ExecuteCall;
  readonly caller: Caller;
  readonly links: CommonLinks;
  /** Wait for a place and every attempt included. */
  readonly timeoutMs: number;
}

/** Calls one tool. Rejects with a Fault. */
export async function execute({ visible, call, caller, links, timeoutMs }: ExecuteOptions): Promise<ToolAnswer> {
  const { server } = visible;
  server.requireRoutable();
  const missing = missingTool(visible, call.tool);
  if (missing !== undefined) throw new Fault("not-found", missing);
  const body = requestText(nextCallId(), "tools/call", { name: call.tool, arguments: call.arguments });
  let answer: ToolAnswer | undefined;
  await routedCall({
    server,
    tool: call.tool,
    timeoutMs,
    choose: (avoided) => server.pick({ affinity: server.affinityOf(caller.principal), avoided, tool: call.tool }),
    attempt: (upstream, endsAt) =>
      links.of(server, upstream, caller.principal).call({
        body,
        answer: {
          whole: (status, _headers, text) => {
            answer = toolAnswer(call.server, status, text);
          },
        },
        what: `${call.server}: ${call.tool}`,
        endsAt,
        timeoutMs,
        trace: caller.trace,
        stream: false,
      }),
  });
  if (answer === undefined) throw new Fault("upstream", `${call.server} answered without a tool result`);
  return answer;
}
