import type { DataVolume } from "./backup/dataVolumes.ts";
import type { Owner } from "./leftOvers.ts";
import { setting, type StackFile } from "./stackFile.ts";

type Section = Record<string, { dockerName?: string; volumes?: Section } | null>;

/** What a stack's physical names begin with where the settings give none. */
export function namePrefix({ estate, stack }: Owner): string {
  return `${estate}-${stack}-`;
}

/** Key → name in Docker, of the services or networks that the settings declare. */
export function declaredNames(
  stackFile: StackFile,
  section: "services" | "networks",
  owner: Owner,
): Record<string, string> {
  const entries = Object.entries(sectionOf(stackFile, section));
  return Object.fromEntries(entries.map(([key, entry]) => [key, entry?.dockerName ?? namePrefix(owner) + key]));
}

/** The data volumes of services, whether or not they are there. */
export function declaredVolumes(stackFile: StackFile, owner: Owner): DataVolume[] {
  return Object.entries(sectionOf(stackFile, "services")).flatMap(([component, service]) =>
    Object.entries(service?.volumes ?? {}).map(([key, volume]) => ({
      name: volume?.dockerName ?? `${namePrefix(owner)}${component}-${key}`,
      component,
    })),
  );
}

/** Written by people: what is no map is the program's to refuse. */
function sectionOf(stackFile: StackFile, section: string): Section {
  const found = setting(stackFile, `mcp-estate:${section}`);
  return typeof found === "object" && found !== null ? (found as Section) : {};
}
