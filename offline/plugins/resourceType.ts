import type { Value, ValueMap } from "./values.ts";

/** One thing wrong with a resource's inputs; `reason` says what was given and what is allowed. */
export interface CheckFailure {
  property: string;
  reason: string;
}

/** What Check has beside the inputs. */
export interface CheckContext {
  /** Logical name of the resource in the program. */
  name: string;
  /** Inputs of the last deployment; absent for a new resource and for a replacement. */
  oldInputs: ValueMap | undefined;
  /** Makes the physical name where the program gives none: the engine's proposal, else `<name>-<7 hex>`. */
  autoName: () => string;
}

export interface CheckResult {
  inputs: ValueMap;
  failures: CheckFailure[];
}

export type DiffKind = "add" | "delete" | "update" | "add-replace" | "delete-replace" | "update-replace";

export interface DiffRequest {
  oldInputs: ValueMap;
  oldOutputs: ValueMap;
  inputs: ValueMap;
}

export interface DiffResult {
  /** Property path (`ports[0].external`) to what happens to it; absent for types whose plugin gives none. */
  detailed?: Record<string, DiffKind>;
  /** Top-level properties that change, and those of them that force a replacement. */
  changed: string[];
  replaces: string[];
  deleteBeforeReplace: boolean;
}

/** What a running operation may use of its surroundings. */
export interface OperationContext {
  /** The provider's configuration (for docker: `host`). */
  config: ValueMap;
  urn: string;
  /** Ends when the engine cancels the deployment. */
  cancelled: AbortSignal;
  /** Seconds given by `customTimeouts`; 0 when none. */
  timeoutSeconds: number;
  /** Prints one line under the resource. */
  log: (severity: "debug" | "info" | "warning" | "error", message: string) => void;
}

export interface ResourceState {
  id: string;
  outputs: ValueMap;
}

export interface ReadState extends ResourceState {
  inputs: ValueMap;
}

export interface UpdateRequest {
  id: string;
  oldInputs: ValueMap;
  oldOutputs: ValueMap;
  inputs: ValueMap;
}

/** A resource type as its plugin serves it. All values are in clear; the server keeps secrets secret around it. */
export interface ResourceType {
  check(inputs: ValueMap, context: CheckContext): CheckResult;
  diff(request: DiffRequest): DiffResult;
  /** Outputs that a preview of a create or update shows, {@link UNKNOWN} where only the real thing will tell. */
  preview(inputs: ValueMap, oldOutputs: ValueMap | undefined): ValueMap;
  create(inputs: ValueMap, context: OperationContext): Promise<ResourceState>;
  /** Absent where every change replaces. */
  update?(request: UpdateRequest, context: OperationContext): Promise<ValueMap>;
  /** The resource as it is now, `undefined` when gone. Without `oldInputs` it is an import. */
  read(
    id: string,
    oldInputs: ValueMap | undefined,
    oldOutputs: ValueMap,
    context: OperationContext,
  ): Promise<ReadState | undefined>;
  delete(id: string, outputs: ValueMap, context: OperationContext): Promise<void>;
  /** Top-level outputs that are secret whatever the program says. */
  secretOutputs?: readonly string[];
  /** Output to the inputs it may reveal: it is secret as soon as one of them is. */
  derivedOutputs?: Readonly<Record<string, readonly string[]>>;
}

/** A data source (`docker.getNetwork`, `command.local.run`). */
export type InvokeFunction = (args: ValueMap, context: OperationContext) => Promise<ValueMap>;

/** A plugin: its types, functions and configuration. */
export interface Plugin {
  name: string;
  /** Version of the official plugin that this one stands in for. */
  version: string;
  types: Readonly<Record<string, ResourceType>>;
  functions?: Readonly<Record<string, InvokeFunction>>;
  /** Says what is wrong with the provider's configuration. */
  checkConfig?(config: ValueMap): CheckFailure[];
  /** The plugin's schema, for `pulumi import` and `pulumi package get-schema`. */
  schema?(): Value;
}

/** The object exists but did not come up: the engine keeps it in the state, with the reason beside it. */
export class ResourceInitError extends Error {
  readonly id: string;
  readonly inputs: ValueMap;
  readonly outputs: ValueMap;

  constructor(message: string, id: string, inputs: ValueMap, outputs: ValueMap) {
    super(message);
    this.id = id;
    this.inputs = inputs;
    this.outputs = outputs;
  }
}
