/**
 * Imported before the pack where it runs as a file of its own: spares its process what no rule asks for. Of every resource
 * the engine sends all properties twice, first for remediation, and taking the messages apart is most of what a pack costs.
 * What has no rule gets its answer by its type alone, and remediation is not offered: the engine then goes on without.
 */
import { AnalyzerService } from "@pulumi/pulumi/proto/analyzer_grpc_pb.js";
import { AnalyzeRequest } from "@pulumi/pulumi/proto/analyzer_pb.js";
import protobuf from "google-protobuf";
import { EXEMPTIONS_TYPE, resourceGroups } from "./groups.ts";

/** Number of `type` among the fields of AnalyzeRequest. */
const TYPE = 1;
const asked = new Set([EXEMPTIONS_TYPE, ...resourceGroups.map(({ type }) => type)]);

function typeOf(message: Buffer): string {
  const reader = new protobuf.BinaryReader(message);
  while (reader.nextField()) {
    if (reader.getFieldNumber() === TYPE) return reader.readString();
    reader.skipField();
  }
  return "";
}

const service = AnalyzerService as unknown as {
  analyze: { requestDeserialize: (message: Buffer) => AnalyzeRequest };
  remediate?: unknown;
};
const whole = service.analyze.requestDeserialize;
service.analyze.requestDeserialize = (message) => (asked.has(typeOf(message)) ? whole(message) : new AnalyzeRequest());
delete service.remediate;
