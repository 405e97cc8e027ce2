import type grpc from "@grpc/grpc-js";
import emptyProto from "google-protobuf/google/protobuf/empty_pb.js";
import pluginProto from "@pulumi/pulumi/proto/plugin_pb.js";
import providerGrpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import providerProto from "@pulumi/pulumi/proto/provider_pb.js";
import type * as rpc from "@pulumi/pulumi/proto/provider_pb.js";
import { autoName } from "./autoName.ts";
import type { NameProposal } from "./autoName.ts";
import { engineLog } from "./engineLog.ts";
import type { OperationContext, Plugin, ResourceType } from "./resourceType.ts";
import { checkResponse, diffResponse, withoutIgnored } from "./responses.ts";
import { allSecret, conceal, concealing } from "./secrecy.ts";
import { containsSecret, containsUnknown, mapWithSecretsOf, revealMap } from "./values.ts";
import type { ValueMap } from "./values.ts";
import { engineAddress, fromStruct, serve, toStruct, unary } from "./wire.ts";

/** Serves `plugin` to the engine until the engine ends. */
export function servePlugin(plugin: Plugin): void {
  const handlers = new PluginServer(plugin, process.argv.slice(2)).handlers();
  serve(providerGrpc.ResourceProviderService, handlers);
}

/**
 * The engine's provider protocol around a {@link Plugin}: messages to plain values and back, secrets taken off before
 * and put back after, unknown values kept away from anything that acts.
 */
class PluginServer {
  readonly #plugin: Plugin;
  readonly #log: (urn: string) => OperationContext["log"];
  readonly #cancel = new AbortController();
  #config: ValueMap = {};

  constructor(plugin: Plugin, args: readonly string[]) {
    this.#plugin = plugin;
    this.#log = engineLog(engineAddress(args));
  }

  handlers(): grpc.UntypedServiceImplementation {
    return {
      handshake: unary(() => this.#handshake()),
      getPluginInfo: unary(() => this.#info()),
      getSchema: unary(() => this.#schema()),
      checkConfig: unary((request: rpc.CheckRequest) => this.#checkConfig(request)),
      diffConfig: unary((request: rpc.DiffRequest) => this.#diffConfig(request)),
      configure: unary((request: rpc.ConfigureRequest) => this.#configure(request)),
      check: unary((request: rpc.CheckRequest) => this.#check(request)),
      diff: unary((request: rpc.DiffRequest) => this.#diff(request)),
      create: unary((request: rpc.CreateRequest) => this.#create(request)),
      read: unary((request: rpc.ReadRequest) => this.#read(request)),
      update: unary((request: rpc.UpdateRequest) => this.#update(request)),
      delete: unary((request: rpc.DeleteRequest) => this.#delete(request)),
      invoke: unary((request: rpc.InvokeRequest) => this.#invoke(request)),
      cancel: unary(() => {
        this.#cancel.abort();
        return new emptyProto.Empty();
      }),
    };
  }

  #handshake(): rpc.ProviderHandshakeResponse {
    const response = new providerProto.ProviderHandshakeResponse();
    response.setAcceptSecrets(true);
    response.setSupportsAutonamingConfiguration(true);
    return response;
  }

  #info(): pluginProto.PluginInfo {
    const response = new pluginProto.PluginInfo();
    response.setVersion(this.#plugin.version);
    return response;
  }

  #schema(): rpc.GetSchemaResponse {
    const response = new providerProto.GetSchemaResponse();
    response.setSchema(
      JSON.stringify(this.#plugin.schema?.() ?? { name: this.#plugin.name, version: this.#plugin.version }),
    );
    return response;
  }

  #checkConfig(request: rpc.CheckRequest): rpc.CheckResponse {
    const news = fromStruct(request.getNews());
    const failures = containsUnknown(news) ? [] : (this.#plugin.checkConfig?.(providerConfig(news)) ?? []);
    return checkResponse(news, failures);
  }

  /** A changed configuration is used from then on; nothing that it created has to go. */
  #diffConfig(request: rpc.DiffRequest): rpc.DiffResponse {
    const response = new providerProto.DiffResponse();
    const olds = JSON.stringify(providerConfig(fromStruct(request.getOldInputs() ?? request.getOlds())));
    const news = JSON.stringify(providerConfig(fromStruct(request.getNews())));
    const { DIFF_NONE, DIFF_SOME } = providerProto.DiffResponse.DiffChanges;
    response.setChanges(olds === news ? DIFF_NONE : DIFF_SOME);
    return response;
  }

  #configure(request: rpc.ConfigureRequest): rpc.ConfigureResponse {
    this.#config = providerConfig(fromStruct(request.getArgs()));
    const response = new providerProto.ConfigureResponse();
    response.setAcceptsecrets(true);
    response.setSupportspreview(true);
    response.setSupportsAutonamingConfiguration(true);
    return response;
  }

  #check(request: rpc.CheckRequest): rpc.CheckResponse {
    const news = fromStruct(request.getNews());
    const olds = request.getOlds();
    const name = request.getName() || nameOf(request.getUrn());
    const { inputs, failures } = this.#typeOf(request.getUrn()).check(revealMap(news), {
      name,
      oldInputs: olds === undefined || olds.getFieldsMap().getLength() === 0 ? undefined : revealMap(fromStruct(olds)),
      autoName: () => autoName(name, request.getRandomseed_asU8(), nameProposal(request)),
    });
    return checkResponse(mapWithSecretsOf(inputs, news, true), failures);
  }

  #diff(request: rpc.DiffRequest): rpc.DiffResponse {
    const diff = this.#typeOf(request.getUrn()).diff({
      oldInputs: revealMap(fromStruct(request.getOldInputs())),
      oldOutputs: revealMap(fromStruct(request.getOlds())),
      inputs: revealMap(fromStruct(request.getNews())),
    });
    return diffResponse(withoutIgnored(diff, request.getIgnorechangesList()));
  }

  async #create(request: rpc.CreateRequest): Promise<rpc.CreateResponse> {
    const type = this.#typeOf(request.getUrn());
    const inputs = fromStruct(request.getProperties());
    const response = new providerProto.CreateResponse();
    if (request.getPreview()) {
      response.setProperties(toStruct(conceal(type, type.preview(revealMap(inputs), undefined), inputs)));
      return response;
    }
    const context = this.#context(request.getUrn(), request.getTimeout());
    const state = await concealing(type, inputs, () => type.create(revealMap(inputs), context));
    response.setId(state.id);
    response.setProperties(toStruct(conceal(type, state.outputs, inputs)));
    return response;
  }

  async #update(request: rpc.UpdateRequest): Promise<rpc.UpdateResponse> {
    const type = this.#typeOf(request.getUrn());
    const update = type.update?.bind(type);
    const inputs = fromStruct(request.getNews());
    const olds = revealMap(fromStruct(request.getOlds()));
    const response = new providerProto.UpdateResponse();
    if (request.getPreview()) {
      response.setProperties(toStruct(conceal(type, type.preview(revealMap(inputs), olds), inputs)));
      return response;
    }
    if (update === undefined) throw new Error(`${request.getUrn()} has no update: every change replaces it`);
    const change = {
      id: request.getId(),
      oldInputs: revealMap(fromStruct(request.getOldInputs())),
      oldOutputs: olds,
      inputs: revealMap(inputs),
    };
    const context = this.#context(request.getUrn(), request.getTimeout());
    const outputs = await concealing(type, inputs, () => update(change, context));
    response.setProperties(toStruct(conceal(type, outputs, inputs)));
    return response;
  }

  async #read(request: rpc.ReadRequest): Promise<rpc.ReadResponse> {
    const type = this.#typeOf(request.getUrn());
    const oldInputs = fromStruct(request.getInputs());
    const oldOutputs = fromStruct(request.getProperties());
    const imported = Object.keys(oldInputs).length === 0;
    const context = this.#context(request.getUrn(), request.getTimeout());
    const state = await concealing(type, oldInputs, () =>
      type.read(request.getId(), imported ? undefined : revealMap(oldInputs), revealMap(oldOutputs), context),
    );
    const response = new providerProto.ReadResponse();
    if (state === undefined) return response;
    response.setId(state.id);
    response.setInputs(toStruct(mapWithSecretsOf(state.inputs, oldInputs, false)));
    response.setProperties(toStruct(mapWithSecretsOf(conceal(type, state.outputs, oldInputs), oldOutputs, false)));
    return response;
  }

  async #delete(request: rpc.DeleteRequest): Promise<emptyProto.Empty> {
    const context = this.#context(request.getUrn(), request.getTimeout());
    const outputs = revealMap(fromStruct(request.getProperties()));
    await this.#typeOf(request.getUrn()).delete(request.getId(), outputs, context);
    return new emptyProto.Empty();
  }

  async #invoke(request: rpc.InvokeRequest): Promise<rpc.InvokeResponse> {
    const invoke = this.#plugin.functions?.[request.getTok()];
    if (invoke === undefined) {
      const known = Object.keys(this.#plugin.functions ?? {}).join(", ") || "none";
      throw new Error(`function ${request.getTok()} is not offered by this stand-in; it offers: ${known}`);
    }
    const args = fromStruct(request.getArgs());
    const response = new providerProto.InvokeResponse();
    const result = await invoke(revealMap(args), this.#context("", 0));
    response.setReturn(toStruct(containsSecret(args) ? allSecret(result) : result));
    return response;
  }

  #typeOf(urn: string): ResourceType {
    const token = urn.split("::")[2]?.split("$").at(-1) ?? "";
    const type = this.#plugin.types[token];
    if (type !== undefined) return type;
    const known = Object.keys(this.#plugin.types).join(", ");
    throw new Error(
      `type ${token} is not offered by this stand-in for the ${this.#plugin.name} plugin; it offers: ${known}`,
    );
  }

  #context(urn: string, timeoutSeconds: number): OperationContext {
    return { config: this.#config, urn, cancelled: this.#cancel.signal, timeoutSeconds, log: this.#log(urn) };
  }
}

/** Provider configuration: values that are not strings arrive as JSON text, and the engine adds keys of its own. */
function providerConfig(config: ValueMap): ValueMap {
  const own = Object.entries(revealMap(config)).filter(([key]) => key !== "version" && !key.startsWith("__"));
  return Object.fromEntries(own.map(([key, value]) => [key, typeof value === "string" ? parsedIfJson(value) : value]));
}

function parsedIfJson(text: string): ValueMap[string] {
  if (!/^(?:[[{"]|true$|false$)/.test(text)) return text;
  try {
    return JSON.parse(text) as ValueMap[string];
  } catch {
    return text;
  }
}

function nameOf(urn: string): string {
  return urn.split("::").slice(3).join("::");
}

function nameProposal(request: rpc.CheckRequest): NameProposal | undefined {
  const options = request.getAutonaming();
  if (options === undefined) return undefined;
  const { ENFORCE, DISABLE } = providerProto.CheckRequest.AutonamingOptions.Mode;
  const mode = options.getMode() === ENFORCE ? "enforce" : options.getMode() === DISABLE ? "disable" : "propose";
  return { mode, name: options.getProposedName() };
}
