/** A value that only the update will know. */
export const UNKNOWN: unique symbol = Symbol("unknown until the update");

export type Known = string | number | boolean | null | undefined | readonly unknown[] | Inputs;
export interface Inputs {
  readonly [property: string]: unknown;
}

/** A resource as the program declares it, in the shape that rules look at. */
export interface DeclaredResource {
  /** Type token. */
  type: string;
  /** Logical name without `PROJECT-STACK-`: what tables show and exemptions name. */
  name: string;
  urn: string;
  project: string;
  stack: string;
  /** Type tokens of the components around it, outermost first. */
  within: readonly string[];
  inputs: Inputs;
  protect: boolean;
  /** Properties whose changes the program leaves alone. */
  ignoreChanges: readonly string[];
  /** Outputs that the state keeps encrypted. */
  secretOutputs: readonly string[];
  /** Property → URNs of the resources that its value comes from; known of a whole stack only. */
  propertySources: Readonly<Record<string, readonly string[]>>;
}

/** What of the analyzer's arguments a rule can use; both its resource and its stack arguments have it. */
export interface AnalyzedResource {
  type: string;
  name: string;
  urn: string;
  props: Record<string, unknown>;
  opts: { protect: boolean; ignoreChanges?: readonly string[]; additionalSecretOutputs?: readonly string[] };
  propertyDependencies?: Readonly<Record<string, readonly { urn: string }[]>>;
}

/** Type tokens that rules ask for. */
export const CONTAINER = "docker:index/container:Container";
export const NETWORK = "docker:index/network:Network";
export const VOLUME = "docker:index/volume:Volume";
export const PROCESS_LIMIT = "pulumi-nodejs:dynamic/index:ProcessLimit";
export const PULLED_IMAGE = "pulumi-nodejs:dynamic/index:PulledImage";
export const BUILT_IMAGE = "pulumi-nodejs:dynamic/index:BuiltImage";
export const CONTAINER_WATCH = "pulumi-nodejs:dynamic/index:ContainerWatch";
export const SECRET_FILES = "pulumi-nodejs:dynamic/index:SecretFiles";
export const MCP_SERVER = "mcp:index:McpServer";
export const SERVICE = "mcp:index:Service";
export const GUARD = "mcp:index:Guard";
export const DOCKER_FILTER = "mcp:index:DockerFilter";
export const STATE_VOLUME = "mcp:index:StateVolume";

export function declaredResource(analyzed: AnalyzedResource): DeclaredResource {
  const { type, name, urn, props, opts, propertyDependencies = {} } = analyzed;
  // urn:pulumi:STACK::PROJECT::OUTER$INNER$TYPE::NAME
  const [head = "", project = "", types = ""] = urn.split("::");
  const stack = head.split(":")[2] ?? "";
  const prefix = `${project}-${stack}-`;
  return {
    type,
    name: name.startsWith(prefix) ? name.slice(prefix.length) : name,
    urn,
    project,
    stack,
    within: types.split("$").slice(0, -1),
    inputs: plain(props) as Inputs,
    protect: opts.protect,
    ignoreChanges: opts.ignoreChanges ?? [],
    secretOutputs: opts.additionalSecretOutputs ?? [],
    propertySources: Object.fromEntries(
      Object.entries(propertyDependencies).map(([property, sources]) => [property, sources.map((each) => each.urn)]),
    ),
  };
}

/**
 * A copy in which UNKNOWN stands for what a preview cannot know. The analyzer's own object throws there, which would make
 * of a rule that reads one such property no verdict at all.
 */
function plain(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  // Not map, which reads what it hands over.
  if (Array.isArray(value)) return Array.from({ length: value.length }, (_, at) => plain(readOrUnknown(value, at)));
  return Object.fromEntries(Object.keys(value).map((key) => [key, plain(readOrUnknown(value, key))]));
}

function readOrUnknown(from: object, key: PropertyKey): unknown {
  try {
    return Reflect.get(from, key);
  } catch {
    return UNKNOWN; // reading does nothing but throw UnknownValueError
  }
}

/** Objects of a list input; what is unknown is left out. */
export function objectsOf(value: unknown): Inputs[] {
  return Array.isArray(value) ? value.filter(isInputs) : [];
}

/** Texts of a list input; what is unknown is left out. */
export function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
}

export function isInputs(value: unknown): value is Inputs {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The docker provider's `[{ label, value }]` by name. */
export function labelsOf({ inputs }: DeclaredResource): Map<string, unknown> {
  return new Map(objectsOf(inputs["labels"]).map(({ label, value }) => [String(label), value]));
}
