import grpc from "@grpc/grpc-js";
import engineGrpc from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import engineProto from "@pulumi/pulumi/proto/engine_pb.js";
import type { OperationContext } from "./resourceType.ts";

const SEVERITIES = {
  debug: engineProto.LogSeverity.DEBUG,
  info: engineProto.LogSeverity.INFO,
  warning: engineProto.LogSeverity.WARNING,
  error: engineProto.LogSeverity.ERROR,
} as const;

/**
 * Logging to the engine, which shows a line under the resource it belongs to. Connects at the first line only: most
 * runs print none. Without an engine (a plugin started by hand) lines go to stderr.
 */
export function engineLog(address: string | undefined): (urn: string) => OperationContext["log"] {
  if (address === undefined) return () => (_severity, message) => process.stderr.write(`${message}\n`);
  let client: InstanceType<typeof engineGrpc.EngineClient> | undefined;
  return (urn) => (severity, message) => {
    client ??= new engineGrpc.EngineClient(address, grpc.credentials.createInsecure());
    const request = new engineProto.LogRequest();
    request.setSeverity(SEVERITIES[severity]);
    request.setUrn(urn);
    request.setMessage(message);
    // A line that cannot be delivered must not fail the operation that it tells about.
    client.log(request, () => undefined);
  };
}
