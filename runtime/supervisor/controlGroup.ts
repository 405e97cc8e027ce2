import { readFileSync } from "node:fs";
import { join, posix } from "node:path";

/** Controllers that the limits live in. */
export type Controller = "memory" | "cpu" | "pids";

/** Where one controller's files of our own control group are. */
export interface ControllerPlace {
  readonly version: 1 | 2;
  /** Folder of our own group. */
  readonly folder: string;
  /** Where the hierarchy is mounted; limits of groups between both also hold. */
  readonly mountPoint: string;
}

export type ControlGroup = Readonly<Record<Controller, ControllerPlace | undefined>>;

interface Mount {
  readonly root: string;
  readonly mountPoint: string;
  readonly type: string;
  readonly options: readonly string[];
}

const CONTROLLERS: readonly Controller[] = ["memory", "cpu", "pids"];

/** Octal escapes of mountinfo (blank, tab, newline, backslash). */
function unescapePath(value: string): string {
  return value.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

/** proc(5): `36 35 98:0 /root /mount options [fields…] - type source super-options`. */
function parseMounts(mountinfo: string): Mount[] {
  return mountinfo.split("\n").flatMap((line) => {
    const [before, after] = line.split(" - ");
    const fields = before?.split(" ") ?? [];
    const [type, , superOptions] = after?.split(" ") ?? [];
    const root = fields[3];
    const mountPoint = fields[4];
    if (root === undefined || mountPoint === undefined || (type !== "cgroup" && type !== "cgroup2")) return [];
    const options = superOptions?.split(",") ?? [];
    return [{ root: unescapePath(root), mountPoint: unescapePath(mountPoint), type, options }];
  });
}

/** proc(5): `hierarchy:controllers:path`; version 2 has the empty controller list. */
function parseMembership(cgroup: string): Map<string, string> {
  const paths = new Map<string, string>();
  for (const line of cgroup.split("\n")) {
    const match = /^\d+:([^:]*):(.*)$/.exec(line);
    if (match?.[1] === undefined || match[2] === undefined) continue;
    for (const controller of match[1].split(",")) paths.set(controller, match[2]);
  }
  return paths;
}

/**
 * The path is relative to the hierarchy, the mount shows it from `root` on. With a cgroup namespace both are `/`;
 * without one the container sees its own group's full path in both; a path outside the mount means that the mount
 * itself is the nearest group we can see.
 */
function folderOf(mount: Mount, path: string): string {
  const relative = posix.relative(mount.root, path);
  const outside = relative.startsWith("..") || path.startsWith("/..") || mount.root.startsWith("/..");
  return outside ? mount.mountPoint : posix.join(mount.mountPoint, relative);
}

/** Finds our own control group from the texts of /proc/self/cgroup and /proc/self/mountinfo, version 1, 2 or hybrid. */
export function locateControlGroup(cgroup: string, mountinfo: string): ControlGroup {
  const mounts = parseMounts(mountinfo);
  const paths = parseMembership(cgroup);
  const unified = mounts.find((mount) => mount.type === "cgroup2");
  const unifiedPath = paths.get("");
  const place = (controller: Controller): ControllerPlace | undefined => {
    const mount = mounts.find((candidate) => candidate.type === "cgroup" && candidate.options.includes(controller));
    const path = paths.get(controller);
    if (mount !== undefined && path !== undefined) {
      return { version: 1, folder: folderOf(mount, path), mountPoint: mount.mountPoint };
    }
    if (unified === undefined || unifiedPath === undefined) return undefined;
    return { version: 2, folder: folderOf(unified, unifiedPath), mountPoint: unified.mountPoint };
  };
  const [memory, cpu, pids] = CONTROLLERS.map(place);
  return { memory, cpu, pids };
}

/** `proc` and `root` are replaced in tests by a recorded tree. */
export function ownControlGroup(proc = "/proc/self"): ControlGroup {
  return locateControlGroup(readFileSync(join(proc, "cgroup"), "utf8"), readFileSync(join(proc, "mountinfo"), "utf8"));
}

/** The folders whose limits hold for us: our own first, then its parents up to the mount. */
export function lineage(place: ControllerPlace): string[] {
  const folders = [place.folder];
  let folder = place.folder;
  while (folder !== place.mountPoint && folder.startsWith(place.mountPoint)) {
    folder = posix.dirname(folder);
    folders.push(folder);
  }
  return folders;
}
