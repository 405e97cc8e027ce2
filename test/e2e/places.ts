/** Where an estate of these tests or benchmarks is: nobody else's port, nobody else's addresses. */
export interface Place {
  /** Of the gateway, on 127.0.0.1. */
  port: number;
  /** `mcp-estate:network.range`. */
  range: string;
}

/**
 * Stack → its place. All stand here because Docker gives an address to one network only: what a killed run of one test has
 * left must not be in another's way. A test that moves its estate, or has two, has a second line.
 */
export const places = {
  atk: { port: 12201, range: "10.213.0.0/16" },
  bak: { port: 12301, range: "10.215.0.0/16" },
  bench: { port: 11901, range: "10.239.0.0/16" },
  canary: { port: 12468, range: "10.251.0.0/16" },
  core: { port: 12482, range: "10.203.0.0/16" },
  cov: { port: 12100, range: "10.212.0.0/17" },
  "cov moved": { port: 12101, range: "10.212.128.0/17" },
  drill: { port: 12441, range: "10.244.0.0/16" },
  e2econt: { port: 12462, range: "10.246.0.0/16" },
  e2efirst: { port: 11801, range: "10.231.0.0/16" },
  e2einst: { port: 12461, range: "10.245.0.0/16" },
  e2eladder: { port: 12463, range: "10.247.0.0/16" },
  e2eorphan: { port: 11841, range: "10.233.0.0/16" },
  e2eadopt: { port: 11861, range: "10.234.0.0/16" },
  e2epolicy: { port: 12480, range: "10.253.0.0/16" },
  e2erefuse: { port: 11821, range: "10.232.0.0/16" },
  edges: { port: 12466, range: "10.252.0.0/16" },
  egress: { port: 12465, range: "10.249.0.0/16" },
  envs: { port: 12421, range: "10.243.0.0/16" },
  gate: { port: 12475, range: "10.207.0.0/16" },
  /** Prometheus, Alertmanager and the page have the three ports after it; Grafana has 12498. */
  mon: { port: 12490, range: "10.206.0.0/16" },
  /** The same. */
  guard: { port: 12494, range: "10.205.0.0/16" },
  lambda: { port: 12485, range: "10.197.0.0/16" },
  machines: { port: 12484, range: "10.198.0.0/16" },
  nodes: { port: 12486, range: "10.196.0.0/16" },
  programs: { port: 12483, range: "10.202.0.0/16" },
  repl: { port: 12400, range: "10.217.0.0/16" },
  rotate: { port: 12467, range: "10.254.0.0/16" },
  rnd: { port: 12202, range: "10.214.0.0/16" },
  rndkill: { port: 12203, range: "10.218.0.0/16" },
  fulldisk: { port: 12473, range: "10.209.0.0/16" },
  /** The same. */
  benchmon: { port: 12476, range: "10.204.0.0/16" },
  benchswarm: { port: 12474, range: "10.208.0.0/16" },
  roll: { port: 12300, range: "10.216.0.0/16" },
  sample: { port: 12401, range: "10.241.0.0/16" },
  swarm: { port: 12470, range: "10.250.0.0/16" },
  remotedocker: { port: 12472, range: "10.210.0.0/16" },
  swarmshort: { port: 12471, range: "10.211.0.0/16" },
  tls: { port: 12464, range: "10.248.0.0/16" },
  "sample second": { port: 12402, range: "10.242.0.0/16" },
  rndpreview: { port: 12204, range: "10.219.0.0/16" },
  rndtwenty: { port: 12205, range: "10.220.0.0/16" },
} as const satisfies Record<string, Place>;

/** A stack of these tests. */
export type TestStack = keyof typeof places;
