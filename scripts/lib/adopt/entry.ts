import type Docker from "dockerode";
import { networking, storage } from "./placement.ts";
import { isSecretName, isSecretValue, secretOptions } from "./secrets.ts";
import { differs, list, names, nonEmpty, split, type Adoption, type Found, type Part } from "./found.ts";
import { limitsOf } from "./limits.ts";
import { foreignHostSettings, ownFiles } from "./neutral.ts";

/** Docker's types lack these. */
type Config = Docker.ContainerInspectInfo["Config"] & { StopSignal?: string; StopTimeout?: number };

const MIB = 1024 * 1024;
const DOCKERS_SHM_MIB = 64;
/** Labels by which another tool takes a container for its own. */
const FOREIGN_TOOL = /^com\.docker\.(compose|stack|swarm)\./;

/** Turns what Docker says of a container into an entry of the settings, and names all that does not fit into one. */
export function adoptionOf(found: Found): Adoption {
  const parts = [program, identity, isolation, resources, storage, networking].map((part) => part(found));
  const merged: Adoption = { entry: {}, secretEnv: {}, volumes: {}, notes: [], losses: [] };
  for (const { entry = {}, secretEnv = {}, volumes = {}, notes = [], losses = [] } of parts) {
    for (const [key, value] of Object.entries(entry)) if (value !== undefined) merged.entry[key] = value;
    Object.assign(merged.secretEnv, secretEnv);
    Object.assign(merged.volumes, volumes);
    merged.notes.push(...notes);
    merged.losses.push(...losses);
  }
  return merged;
}

/** What runs, and its environment. */
function program({ info, image, reference }: Found): Part {
  const config = info.Config as Config;
  const inherited = image.Config as unknown as Partial<Config>;
  const variables = (config.Env ?? []).filter((variable) => !(inherited.Env ?? []).includes(variable)).map(split);
  const isSecret = ([name, value]: [string, string]) => isSecretName(name) || isSecretValue(value);
  const entrypoint = differs(config.Entrypoint, inherited.Entrypoint);
  const [first, ...rest] = config.Cmd ?? [];
  return {
    entry: {
      image: reference,
      dockerName: info.Name.slice(1),
      // Without an entrypoint the command's first word is one.
      ...(entrypoint
        ? config.Entrypoint?.length
          ? { entrypoint: list(config.Entrypoint), command: config.Cmd ?? [] }
          : { entrypoint: [first], command: rest }
        : { command: differs(config.Cmd, inherited.Cmd) ? (config.Cmd ?? []) : undefined }),
      workingDir: differs(config.WorkingDir, inherited.WorkingDir) ? config.WorkingDir : undefined,
      user: differs(config.User, inherited.User) ? config.User : undefined,
      env: nonEmpty(Object.fromEntries(variables.filter((variable) => !isSecret(variable)))),
    },
    secretEnv: Object.fromEntries(variables.filter(isSecret)),
    losses: [
      ...(config.Tty ? ["a terminal (-t)"] : []),
      ...(config.OpenStdin ? ["an open standard input (-i)"] : []),
      ...(differs(config.StopSignal, inherited.StopSignal) ? [`the stop signal ${config.StopSignal ?? ""}`] : []),
      ...secretOptions([...list(config.Entrypoint), ...(config.Cmd ?? [])]).map(
        (option) => `the secrecy of ${option} on its command line: it would stand in clear in the settings`,
      ),
    ],
  };
}

/** Names, labels, life. */
function identity({ info, image, changes }: Found): Part {
  const { Config: config, HostConfig: host, Id, Mounts } = info;
  const labels = Object.entries(config.Labels ?? {}).filter(
    ([name, value]) => (image.Config.Labels as Record<string, string> | null)?.[name] !== value,
  );
  const project = config.Labels["com.docker.compose.project"];
  const { Name: restart, MaximumRetryCount: retries } = host.RestartPolicy ?? { Name: "no" };
  const files = ownFiles(
    changes,
    Mounts.map(({ Destination }) => Destination),
  );
  const shown = files.slice(0, 5).join(", ");
  return {
    entry: {
      hostname: Id.startsWith(config.Hostname) ? undefined : config.Hostname,
      labels: nonEmpty(Object.fromEntries(labels.filter(([name]) => !FOREIGN_TOOL.test(name)))),
      restart: restart || "no",
      stopSeconds: (config as Config).StopTimeout,
      healthcheck: differs(config.Healthcheck, (image.Config as unknown as Config).Healthcheck)
        ? healthcheck(config.Healthcheck)
        : undefined,
    },
    notes: [
      ...(info.State.Running ? [] : ["it does not run now and will be started"]),
      ...(project
        ? [
            `Docker Compose (project ${project}) no longer knows it: take it out of that file, or a second one is started`,
          ]
        : []),
    ],
    losses: [
      ...(files.length > 0
        ? [`${files.length} files in its own layer, on no volume: ${shown}${files.length > 5 ? ", …" : ""}`]
        : []),
      ...(restart === "on-failure" && retries ? [`the bound of ${retries} on its restarts`] : []),
      ...(config.Domainname ? [`the domain name ${config.Domainname}`] : []),
    ],
  };
}

/** What it may do. */
function isolation({ info: { HostConfig: host } }: Found): Part {
  const options = (host.SecurityOpt as string[] | null) ?? [];
  const isNoNew = (option: string) => /^no-new-privileges([:=]true)?$/.test(option);
  return {
    entry: {
      init: host.Init === true,
      readOnly: host.ReadonlyRootfs === true,
      capabilities: { add: names(host.CapAdd), drop: names(host.CapDrop) },
      noNewPrivileges: options.some(isNoNew),
    },
    losses: [
      ...foreignHostSettings({ ...host }),
      ...options.filter((option) => !isNoNew(option)).map((option) => `the security option ${option}`),
    ],
  };
}

function resources({ info, usage }: Found): Part {
  const host = info.HostConfig;
  const { limits, notes, losses } = limitsOf(host, usage);
  const shmMiB = Math.ceil((host.ShmSize ?? 0) / MIB);
  return {
    entry: { limits, shmMiB: shmMiB === 0 || shmMiB === DOCKERS_SHM_MIB ? undefined : shmMiB },
    notes,
    losses,
  };
}

function healthcheck(check: Docker.HealthConfig | undefined): object {
  const seconds = (nanoseconds: number | undefined) => (nanoseconds ? nanoseconds / 1e9 : undefined);
  const given = {
    test: check?.Test ?? ["NONE"],
    intervalSeconds: seconds(check?.Interval),
    timeoutSeconds: seconds(check?.Timeout),
    startSeconds: seconds(check?.StartPeriod),
    failures: check?.Retries || undefined,
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}
