/**
 * Stands in for `pulumi-language-nodejs`: starts the user's program, and policy packs, with the machinery that
 * @pulumi/pulumi itself brings (`cmd/run`, `cmd/run-plugin`, `cmd/run-policy-pack`).
 */
import { spawn } from "node:child_process";
import grpc from "@grpc/grpc-js";
import emptyProto from "google-protobuf/google/protobuf/empty_pb.js";
import languageGrpc from "@pulumi/pulumi/proto/language_grpc_pb.js";
import languageProto from "@pulumi/pulumi/proto/language_pb.js";
import type * as rpc from "@pulumi/pulumi/proto/language_pb.js";
import pluginProto from "@pulumi/pulumi/proto/plugin_pb.js";
import { dependenciesOf, pulumiPluginsOf } from "./languageHost/packages.ts";
import { runPlugin } from "./languageHost/runPlugin.ts";
import { runProgram } from "./languageHost/runProgram.ts";
import { engineAddress, serve, unary } from "./plugins/wire.ts";

/** Version of @pulumi/pulumi whose official host this one stands in for. */
const VERSION = "3.255.0";

const engine = engineAddress(process.argv.slice(2)) ?? "";

serve(languageGrpc.LanguageRuntimeService, {
  handshake: unary(() => new languageProto.LanguageHandshakeResponse()),
  getPluginInfo: unary(() => {
    const info = new pluginProto.PluginInfo();
    info.setVersion(VERSION);
    return info;
  }),
  getRequiredPackages: unary(async (request: rpc.GetRequiredPackagesRequest) => {
    const response = new languageProto.GetRequiredPackagesResponse();
    const info = request.getInfo();
    if (info === undefined) return response;
    for (const plugin of await pulumiPluginsOf(info.getProgramDirectory())) {
      const dependency = new pluginProto.PackageDependency();
      dependency.setKind("resource");
      dependency.setName(plugin.name);
      dependency.setVersion(plugin.version);
      response.addPackages(dependency);
    }
    return response;
  }),
  getRequiredPlugins: unary(async (request: rpc.GetRequiredPluginsRequest) => {
    const response = new languageProto.GetRequiredPluginsResponse();
    for (const plugin of await pulumiPluginsOf(request.getInfo()?.getProgramDirectory() ?? request.getPwd())) {
      const dependency = new pluginProto.PluginDependency();
      dependency.setKind("resource");
      dependency.setName(plugin.name);
      dependency.setVersion(plugin.version);
      response.addPlugins(dependency);
    }
    return response;
  }),
  run: unary(async (request: rpc.RunRequest) => {
    const outcome = await runProgram(request, engine);
    const response = new languageProto.RunResponse();
    response.setBail(outcome.bail);
    response.setError(outcome.error);
    return response;
  }),
  runPlugin,
  getProgramDependencies: unary(async (request: rpc.GetProgramDependenciesRequest) => {
    const response = new languageProto.GetProgramDependenciesResponse();
    const folder = request.getInfo()?.getProgramDirectory() ?? request.getPwd();
    for (const { name, version } of await dependenciesOf(folder)) {
      const dependency = new languageProto.DependencyInfo();
      dependency.setName(name);
      dependency.setVersion(version);
      response.addDependencies(dependency);
    }
    return response;
  }),
  about: unary(() => {
    const response = new languageProto.AboutResponse();
    response.setExecutable(process.execPath);
    response.setVersion(process.version);
    return response;
  }),
  runtimeOptionsPrompts: unary(() => new languageProto.RuntimeOptionsResponse()),
  installDependencies,
  cancel: unary(() => new emptyProto.Empty()),
});

/** `pulumi install`: npm's own install in the program's folder, its output passed on. */
function installDependencies(
  call: grpc.ServerWritableStream<rpc.InstallDependenciesRequest, rpc.InstallDependenciesResponse>,
): void {
  const cwd = call.request.getInfo()?.getProgramDirectory() ?? call.request.getDirectory();
  const npm = spawn("npm", ["install"], { cwd, stdio: ["ignore", "pipe", "pipe"] });
  npm.stdout.on("data", (chunk: Buffer) => {
    const line = new languageProto.InstallDependenciesResponse();
    line.setStdout(chunk);
    call.write(line);
  });
  npm.stderr.on("data", (chunk: Buffer) => {
    const line = new languageProto.InstallDependenciesResponse();
    line.setStderr(chunk);
    call.write(line);
  });
  npm.on("error", (error) =>
    call.emit("error", { code: grpc.status.UNKNOWN, details: `npm install: ${error.message}` }),
  );
  npm.on("close", (code) => {
    if (code === 0) call.end();
    else
      call.emit("error", { code: grpc.status.UNKNOWN, details: `npm install in ${cwd} ended with exit code ${code}` });
  });
}
