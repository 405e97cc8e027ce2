import structProto from "google-protobuf/google/protobuf/struct_pb.js";
import anyProto from "google-protobuf/google/protobuf/any_pb.js";
import grpc from "@grpc/grpc-js";
import providerProto from "@pulumi/pulumi/proto/provider_pb.js";
import statusProto from "@pulumi/pulumi/proto/status_pb.js";
import type { Struct } from "google-protobuf/google/protobuf/struct_pb.js";
import type { Message } from "google-protobuf";
import { endWithEngine } from "./endWithEngine.ts";
import { ResourceInitError } from "./resourceType.ts";
import type { ValueMap } from "./values.ts";

/** Struct of the wire as a map; an absent one is empty. */
export function fromStruct(struct: Struct | undefined): ValueMap {
  return struct === undefined ? {} : struct.toJavaScript();
}

/** Map as a Struct of the wire; keys without a value are left out. */
export function toStruct(map: ValueMap): Struct {
  return structProto.Struct.fromJavaScript(withoutUndefined(map) as Record<string, structProto.JavaScriptValue>);
}

/** Struct.fromJavaScript fails on `undefined`, which optional properties produce. */
function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUndefined);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, element]) => element !== undefined)
      .map(([key, element]) => [key, withoutUndefined(element)]),
  );
}

/** Serves one unary call: answers what `handle` resolves to, or its error in the form the engine understands. */
export function unary<Request extends Message, Response extends Message>(
  handle: (request: Request) => Promise<Response> | Response,
): grpc.handleUnaryCall<Request, Response> {
  return (call, callback) => {
    Promise.resolve()
      .then(() => handle(call.request))
      .then(
        (response) => callback(null, response),
        (error: unknown) => callback(toServiceError(error)),
      );
  };
}

function toServiceError(error: unknown): Partial<grpc.StatusObject> {
  const message = error instanceof Error ? error.message : String(error);
  if (!(error instanceof ResourceInitError)) return { code: grpc.status.UNKNOWN, details: message };
  // A partial failure travels as google.rpc.Status in the trailer that gRPC reserves for it.
  const detail = new providerProto.ErrorResourceInitFailed();
  detail.setId(error.id);
  detail.setInputs(toStruct(error.inputs));
  detail.setProperties(toStruct(error.outputs));
  detail.setReasonsList([message]);
  const packed = new anyProto.Any();
  packed.pack(detail.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
  const status = new statusProto.Status();
  status.setCode(grpc.status.UNKNOWN);
  status.setMessage(message);
  status.addDetails(packed);
  const metadata = new grpc.Metadata();
  metadata.add("grpc-status-details-bin", Buffer.from(status.serializeBinary()));
  return { code: grpc.status.UNKNOWN, details: message, metadata };
}

/** Every method of `definition`, each answering "not implemented" unless `handlers` has it. */
export function withUnimplemented(
  definition: grpc.ServiceDefinition,
  handlers: grpc.UntypedServiceImplementation,
): grpc.UntypedServiceImplementation {
  const implementation: grpc.UntypedServiceImplementation = { ...handlers };
  for (const [method, { responseStream }] of Object.entries(definition)) {
    const error = { code: grpc.status.UNIMPLEMENTED, details: `${method} is not implemented by this stand-in` };
    if (implementation[method] !== undefined) continue;
    implementation[method] = responseStream
      ? (call: grpc.ServerWritableStream<unknown, unknown>) => void call.emit("error", error)
      : (_call: unknown, callback: grpc.sendUnaryData<unknown>) => callback(error);
  }
  return implementation;
}

/** Large states (many uploads) exceed gRPC's default of 4 MiB; the engine itself allows 400 MiB. */
const MAX_MESSAGE_BYTES = 400 * 1024 * 1024;

/** Serves `definition` on a free local port and prints the port, which is how the engine finds a plugin. */
export function serve(definition: grpc.ServiceDefinition, handlers: grpc.UntypedServiceImplementation): grpc.Server {
  const server = new grpc.Server({
    "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
    "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
  });
  server.addService(definition, withUnimplemented(definition, handlers));
  server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
    if (error) throw error;
    process.stdout.write(`${port}\n`);
  });
  endWithEngine(() => server.forceShutdown());
  return server;
}

/** The engine's address among the arguments of a plugin (`[flags] 127.0.0.1:PORT`). */
export function engineAddress(args: readonly string[]): string | undefined {
  return args.find((argument) => /^[^\s/]+:\d+$/.test(argument));
}
