import { spawn } from "node:child_process";
import grpc from "@grpc/grpc-js";
import languageProto from "@pulumi/pulumi/proto/language_pb.js";
import type * as rpc from "@pulumi/pulumi/proto/language_pb.js";
import { pulumiModule } from "./packages.ts";

/**
 * Runs a plugin that is written in TypeScript itself (policy packs are such) and streams its output and exit code. The
 * engine ends it by cancelling the call.
 */
export function runPlugin(call: grpc.ServerWritableStream<rpc.RunPluginRequest, rpc.RunPluginResponse>): void {
  const request = call.request;
  const folder = request.getInfo()?.getProgramDirectory() || request.getProgram();
  try {
    start(
      call,
      pulumiModule(request.getKind() === "analyzer" ? "cmd/run-policy-pack" : "cmd/run-plugin", folder),
      folder,
    );
  } catch (error) {
    call.emit("error", {
      code: grpc.status.FAILED_PRECONDITION,
      details: error instanceof Error ? error.message : String(error),
    });
  }
}

function start(
  call: grpc.ServerWritableStream<rpc.RunPluginRequest, rpc.RunPluginResponse>,
  runner: string,
  folder: string,
): void {
  const request = call.request;
  // A policy pack is told the engine's address first and its own folder second; other plugins only their folder.
  const args =
    request.getKind() === "analyzer" ? [...request.getArgsList(), folder] : [folder, ...request.getArgsList()];
  const child = spawn(process.execPath, [runner, ...args], {
    cwd: request.getKind() === "analyzer" ? folder : request.getPwd() || folder,
    env: { ...process.env, ...environmentOf(request), PULUMI_NODEJS_TYPESCRIPT: "true" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  child.stdout.on("data", (chunk: Buffer) => {
    const response = new languageProto.RunPluginResponse();
    response.setStdout(chunk);
    call.write(response);
  });
  child.stderr.on("data", (chunk: Buffer) => {
    const response = new languageProto.RunPluginResponse();
    response.setStderr(chunk);
    call.write(response);
  });
  child.on("error", (error) => call.emit("error", { code: grpc.status.UNKNOWN, details: error.message }));
  child.on("close", (code) => {
    const response = new languageProto.RunPluginResponse();
    response.setExitcode(code ?? 1);
    call.write(response);
    call.end();
  });
  call.on("cancelled", () => child.kill());
}

function environmentOf(request: rpc.RunPluginRequest): Record<string, string> {
  return Object.fromEntries(
    request.getEnvList().map((entry) => {
      const at = entry.indexOf("=");
      return [entry.slice(0, at), entry.slice(at + 1)];
    }),
  );
}
