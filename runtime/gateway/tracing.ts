import {
  isSpanContextValid,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Span,
} from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import type { TraceHeaders } from "./upstreamLink.ts";

export interface TracingArgs {
  /** Takes OTLP as JSON by POST, for example http://collector:8000/v1/traces. */
  url: string;
  /** Of the requests whose caller does not say whether to trace them: 0 to 1. */
  share: number;
  estate: string;
  stack: string;
}

/** What a span says of a request; never its arguments. */
export interface TracedRequest {
  route: string;
  /** HTTP's. */
  verb: string;
  status: number;
  method: string | undefined;
  server: string | undefined;
  tool: string | undefined;
  principal: string | undefined;
  fault: string | undefined;
}

const PARENT = /^[\da-f]{2}-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})$/;
const FAILED = 500;

/**
 * A span for every request that is traced (R-GW-15), in the words of OpenTelemetry's conventions for HTTP servers and MCP
 * (https://opentelemetry.io/docs/specs/semconv/). Whether one is, its caller says in `traceparent`, or else the share.
 */
export class Tracing {
  readonly #provider: TracerProvider;

  constructor({ url, share, estate, stack }: TracingArgs) {
    this.#provider = new TracerProvider({
      resource: resourceFromAttributes({
        "service.name": "mcp-gateway",
        "service.namespace": estate,
        "deployment.environment.name": stack,
      }),
      sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(share) }),
      spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter({ url }) })],
    });
  }

  /** Begins a span below the caller's. */
  begin({ traceparent, tracestate }: TraceHeaders): RequestSpan {
    const tracer = this.#provider.getTracer("mcp-estate");
    const [, traceId, spanId, flags] = PARENT.exec(traceparent ?? "") ?? [];
    const parent = {
      traceId: traceId ?? "",
      spanId: spanId ?? "",
      traceFlags: Number.parseInt(flags ?? "0", 16),
      isRemote: true,
    };
    const context = isSpanContextValid(parent) ? trace.setSpanContext(ROOT_CONTEXT, parent) : ROOT_CONTEXT;
    return new RequestSpan(tracer.startSpan("request", { kind: SpanKind.SERVER }, context), tracestate);
  }

  /** Sends what waits. */
  async stop(): Promise<void> {
    await this.#provider.shutdown();
  }
}

export class RequestSpan {
  readonly #span: Span;
  readonly #tracestate: string | undefined;

  constructor(span: Span, tracestate: string | undefined) {
    this.#span = span;
    this.#tracestate = tracestate;
  }

  /** For whom the request is handed on to. */
  get headers(): TraceHeaders {
    const { traceId, spanId, traceFlags } = this.#span.spanContext();
    const flags = (traceFlags & TraceFlags.SAMPLED).toString(16).padStart(2, "0");
    return { traceparent: `00-${traceId}-${spanId}-${flags}`, tracestate: this.#tracestate };
  }

  end({ route, verb, status, method, server, tool, principal, fault }: TracedRequest): void {
    const span = this.#span;
    span.updateName(method === undefined ? `${verb} ${route}` : tool === undefined ? method : `${method} ${tool}`);
    const attributes = {
      "http.request.method": verb,
      "http.route": route,
      "http.response.status_code": status,
      "mcp.method.name": method,
      "gen_ai.tool.name": tool,
      "mcp.server.name": server,
      "enduser.id": principal,
      "error.type": fault,
    };
    for (const [name, value] of Object.entries(attributes)) if (value !== undefined) span.setAttribute(name, value);
    if (status >= FAILED) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end();
  }
}
