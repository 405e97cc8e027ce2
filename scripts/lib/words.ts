/** How resources and their properties are called when people read them. */

interface Kind {
  word: string;
  /** Engine's property → what people call it. */
  properties: Readonly<Record<string, string>>;
  /** Stands and falls with the container: its own removal is no news. */
  follower: boolean;
  /** Holds `expected` and `found` by property of the container, in place of properties of its own. */
  comparison?: boolean;
  /** A check or a plan of the program's own: it makes nothing in the world. */
  makesNothing?: boolean;
}

/** The docker provider's names where people have others. */
const CONTAINER_PROPERTIES = {
  networksAdvanced: "networks",
  envs: "env",
  entrypoints: "entrypoint",
  logOpts: "log options",
  logDriver: "log driver",
};

const KINDS: Readonly<Record<string, Kind>> = {
  "docker:index/container:Container": { word: "container", properties: CONTAINER_PROPERTIES, follower: false },
  "docker:index/network:Network": { word: "network", properties: {}, follower: false },
  "docker:index/volume:Volume": { word: "volume", properties: {}, follower: false },
  "docker:index/secret:Secret": { word: "secret", properties: {}, follower: false },
  "docker:index/serviceConfig:ServiceConfig": { word: "config", properties: {}, follower: false },
  SwarmService: { word: "service", properties: {}, follower: false, comparison: true },
  SwarmNodes: { word: "nodes of", properties: {}, follower: false, comparison: true },
  NodeImage: { word: "image", properties: { missing: "missing on" }, follower: false },
  ProcessLimit: { word: "container", properties: { observedPids: "pids", observedState: "state" }, follower: true },
  ContainerWatch: { word: "container", properties: CONTAINER_PROPERTIES, follower: true, comparison: true },
  SecretFiles: { word: "container", properties: { observed: "secret files" }, follower: true },
  OrphanSweep: { word: "sweep of", properties: {}, follower: false, makesNothing: true },
  AddressPlan: { word: "plan of", properties: {}, follower: false, makesNothing: true },
  SmokeGate: { word: "gate", properties: {}, follower: false, makesNothing: true },
  PulledImage: { word: "image", properties: {}, follower: false },
  HostCapacity: { word: "capacity of", properties: {}, follower: false, makesNothing: true },
  BuiltImage: { word: "image", properties: { observed: "image" }, follower: false },
};

/** Dynamic resources have one package for all: `pulumi-nodejs:dynamic/index:ProcessLimit`. */
function kindOf(type: string): Kind {
  const last = type.split(":").at(-1) ?? type;
  return KINDS[type] ?? KINDS[last] ?? { word: last, properties: {}, follower: false };
}

/** `container memory`, without what every physical name begins with. */
export function resourceInWords(type: string, name: string, prefix: string): string {
  return `${kindOf(type).word} ${name.startsWith(prefix) ? name.slice(prefix.length) : name}`;
}

export function propertyInWords(type: string, property: string): string {
  return kindOf(type).properties[property] ?? property;
}

export function isFollower(type: string): boolean {
  return kindOf(type).follower;
}

/** True of a resource that only checks or plans. */
export function makesNothing(type: string): boolean {
  return kindOf(type).makesNothing ?? false;
}

/** True of a resource that tells what it found in another one. */
export function isComparison(type: string): boolean {
  return kindOf(type).comparison ?? false;
}

const LONGEST_VALUE = 60;

/** A value as people write it: text bare, the rest as JSON, long ones cut. */
export function valueInWords(value: unknown): string {
  if (value === undefined || value === null || value === "") return "none";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE - 1)}…` : text;
}

/** Two values side by side: of two lists only the items that differ. */
export function differenceInWords(declared: unknown, found: unknown): [declared: string, found: string] {
  if (Array.isArray(declared) && Array.isArray(found)) {
    const only = (items: readonly unknown[], others: readonly unknown[]) => {
      const known = new Set(others.map((other) => JSON.stringify(other)));
      return items.filter((item) => !known.has(JSON.stringify(item))).map(withoutEmpty);
    };
    return [listInWords(only(declared, found)), listInWords(only(found, declared))];
  }
  return [valueInWords(declared), valueInWords(found)];
}

function listInWords(items: readonly unknown[]): string {
  return items.length === 0 ? "–" : items.map(valueInWords).join(", ");
}

/** Fields that say nothing make a row hard to read. */
function withoutEmpty(item: unknown): unknown {
  if (item === null || typeof item !== "object" || Array.isArray(item)) return item;
  const told = Object.entries(item).filter(
    ([, value]) => value !== null && value !== "" && !(Array.isArray(value) && value.length === 0),
  );
  return Object.fromEntries(told);
}
