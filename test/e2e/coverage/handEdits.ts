import type { ContainerFiles } from "../ownDocker.ts";

/** A change that Docker's API does not make on a container that exists. */
export interface HandEdit {
  /** Row of the coverage table. */
  row: string;
  /** What the drift calls it. */
  property: string;
  /** What the drift must have found. */
  found: RegExp;
  change(files: ContainerFiles): void;
}

const health = (files: ContainerFiles) => files.config.Config["Healthcheck"] as Record<string, unknown>;
const ulimits = (files: ContainerFiles) => files.host["Ulimits"] as Array<{ Name: string; Soft: number; Hard: number }>;

function setUlimit(files: ContainerFiles, name: string, value: number): void {
  for (const limit of ulimits(files)) if (limit.Name === name) Object.assign(limit, { Soft: value, Hard: value });
}

/** @param otherImage id of an image that is not the container's. */
export function serverEdits(otherImage: string): HandEdit[] {
  return [
    {
      row: "container.image",
      property: "image",
      // Long values are cut in words.
      found: new RegExp(otherImage.slice(0, 40)),
      change: ({ config }) => (config["Image"] = otherImage),
    },
    {
      row: "container.hostname",
      property: "hostname",
      found: /^elsewhere$/,
      change: ({ config }) => (config.Config["Hostname"] = "elsewhere"),
    },
    {
      row: "container.user",
      property: "user",
      found: /^0:0$/,
      change: ({ config }) => (config.Config["User"] = "0:0"),
    },
    {
      row: "container.ulimits.nofile",
      property: "ulimits",
      found: /nofile=5000:5000/,
      change: (files) => setUlimit(files, "nofile", 5000),
    },
    {
      row: "container.ulimits.nproc",
      property: "ulimits",
      found: /nproc=999:999/,
      change: (files) => setUlimit(files, "nproc", 999),
    },
    {
      row: "container.readOnly",
      property: "readOnly",
      found: /^false$/,
      change: ({ host }) => (host["ReadonlyRootfs"] = false),
    },
    {
      row: "container.capabilities",
      property: "capabilities",
      found: /^\+SYS_ADMIN$/,
      change: ({ host }) => Object.assign(host, { CapAdd: ["SYS_ADMIN"], CapDrop: null }),
    },
    {
      row: "container.securityOpts",
      property: "securityOpts",
      found: /^seccomp=unconfined$/,
      change: ({ host }) => (host["SecurityOpt"] = ["seccomp=unconfined"]),
    },
    {
      row: "container.dns",
      property: "dns",
      found: /^192\.0\.2\.53$/,
      change: ({ host }) => (host["Dns"] = ["192.0.2.53"]),
    },
    {
      row: "container.dnsOpts",
      property: "dnsOpts",
      found: /^timeout:9$/,
      change: ({ host }) => (host["DnsOptions"] = ["timeout:9"]),
    },
    {
      row: "container.tmpfs",
      property: "tmpfs",
      found: /size=1m/,
      change: ({ host }) => (host["Tmpfs"] = { "/tmp": "rw,size=1m,mode=1777" }),
    },
    {
      row: "container.volumes",
      property: "volumes",
      found: /:\/elsewhere:rw/,
      change: ({ host }) => {
        host["Binds"] = (host["Binds"] as string[]).map((bind) => bind.replace(":/data", ":/elsewhere"));
      },
    },
    {
      row: "container.healthcheck.tests",
      property: "healthcheck",
      found: /test=CMD true/,
      change: (files) => (health(files)["Test"] = ["CMD", "true"]),
    },
    {
      row: "container.healthcheck.interval",
      property: "healthcheck",
      found: /interval=77s/,
      change: (files) => (health(files)["Interval"] = 77e9),
    },
    {
      row: "container.healthcheck.timeout",
      property: "healthcheck",
      found: /timeout=78s/,
      change: (files) => (health(files)["Timeout"] = 78e9),
    },
    {
      row: "container.healthcheck.startPeriod",
      property: "healthcheck",
      found: /startPeriod=79s/,
      change: (files) => (health(files)["StartPeriod"] = 79e9),
    },
    {
      row: "container.healthcheck.retries",
      property: "healthcheck",
      found: /retries=19/,
      change: (files) => (health(files)["Retries"] = 19),
    },
    {
      row: "container.logDriver",
      property: "log driver",
      found: /^local$/,
      change: ({ host }) => ((host["LogConfig"] as Record<string, unknown>)["Type"] = "local"),
    },
    {
      row: "container.logOpts",
      property: "log options",
      found: /max-size=999m/,
      change: ({ host }) => {
        (host["LogConfig"] as Record<string, unknown>)["Config"] = { "max-size": "999m", "max-file": "3" };
      },
    },
    {
      row: "container.labels",
      property: "labels",
      found: /mcp-estate\.component=somebody/,
      change: ({ config }) => Object.assign(config.Config["Labels"] as object, { "mcp-estate.component": "somebody" }),
    },
    {
      row: "container.envs",
      property: "env",
      found: /NODE_ENV=debug.*SECRET=…$/,
      change: ({ config }) => (config.Config["Env"] = ["PATH=/usr/bin:/bin", "NODE_ENV=debug", "SECRET=hidden"]),
    },
    {
      row: "container.entrypoints",
      property: "entrypoint",
      found: /sleep/,
      change: ({ config }) => (config.Config["Entrypoint"] = ["/usr/bin/tini", "--", "sleep", "1000"]),
    },
    {
      row: "container.command",
      property: "command",
      found: /--extra/,
      change: ({ config }) => (config.Config["Cmd"] = ["--extra"]),
    },
    {
      row: "container.workingDir",
      property: "workingDir",
      found: /^\/opt$/,
      change: ({ config }) => (config.Config["WorkingDir"] = "/opt"),
    },
  ];
}

export const edgeEdits: HandEdit[] = [
  {
    row: "container.ports",
    property: "ports",
    found: /0\.0\.0\.0:12190->8000\/tcp/,
    change: ({ host }) => (host["PortBindings"] = { "8000/tcp": [{ HostIp: "0.0.0.0", HostPort: "12190" }] }),
  },
];

export function makeEdits(edits: readonly HandEdit[], files: ContainerFiles): void {
  for (const edit of edits) edit.change(files);
}
