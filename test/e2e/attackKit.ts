/**
 * Attacks from inside a container, as scripts for the perl that every Debian image brings: one process with one task,
 * so that an attack fits where Node's seven threads would not. Each prints one line, `DONE REFUSED REASON`.
 */
import { spawn } from "node:child_process";
import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type Docker from "dockerode";
import type { Limits } from "../../runtime/contract/index.ts";

export interface Attack {
  /** Command in the container. */
  command: readonly string[];
}

/** How an attack ended. */
export interface Outcome {
  /** Exit code of the attacking process; 137 when it was killed. */
  code: number;
  /** What it got: processes, threads, MiB, files, bytes. */
  done: number;
  /** How often it was refused more. */
  refused: number;
  /** The kernel's words for the last refusal. */
  reason: string;
  output: string;
}

const MIB = 1024 * 1024;
/** What the MetaMCP estate reached under a declared limit of 25. */
export const FORKS = 626;
/** Seconds for which an attack holds what it got, so that it can be seen from outside. */
const HOLD_SECONDS = 1;
export const BURN_SECONDS = 2;
/** Half as much again as three log files of 10 MB hold. */
const FLOOD_BYTES = 45 * 1000 * 1000;

export const forkLoop = perl(`
  my (@made, $refused, $why);
  for (1..${FORKS}) {
    my $child = fork;
    if (!defined $child) { $refused++; $why = $! } elsif (!$child) { sleep 30; exit } else { push @made, $child }
  }
  select undef, undef, undef, ${HOLD_SECONDS};
  kill 9, @made;
  print scalar(@made), " ", $refused // 0, " $why\\n";
`);

export const threadLoop = perl(`
  use threads (stack_size => 65536);
  use POSIX ();
  $SIG{__WARN__} = sub {};
  my ($made, $refused, $why) = (0, 0, "");
  for (1..${FORKS}) { if (threads->create(sub { sleep 30 })) { $made++ } else { $refused++; $why = $! } }
  select undef, undef, undef, ${HOLD_SECONDS};
  syswrite STDOUT, "$made $refused $why\\n";
  POSIX::_exit(0);
`);

/** Takes and writes to a quarter more than the limit; it never prints, as it is killed on the way. */
export function memoryHog({ memoryMiB }: Pick<Limits, "memoryMiB">): Attack {
  const blocks = Math.ceil((memoryMiB * 1.25) / 16);
  return perl(`
    my @held;
    for (1..${blocks}) { push @held, "x" x (16 * ${MIB}) }
    select undef, undef, undef, ${HOLD_SECONDS};
    print scalar(@held) * 16, " 0 none\\n";
  `);
}

/** Raises its own soft limit to the hard one, tries to raise that, and opens files to the end. */
export const openFiles: Attack = {
  command: [
    "sh",
    "-c",
    `ulimit -n $(ulimit -Hn); (ulimit -n $(($(ulimit -Hn) + 1))) 2>/dev/null && echo "raised the hard limit"; exec "$@"`,
    "sh",
    ...perl(`
      my (@held, $why);
      while (open(my $file, "<", "/dev/null")) { push @held, $file }
      $why = $!;
      my $most = fileno($held[-1]) + 1;
      pop @held for 1..10;
      select undef, undef, undef, ${HOLD_SECONDS};
      print "$most 1 $why\\n";
    `).command,
  ],
};

export const cpuBurn = perl(`
  use Time::HiRes;
  my $end = Time::HiRes::time() + ${BURN_SECONDS};
  for (1..4) { if (!fork) { 1 while Time::HiRes::time() < $end; exit } }
  1 while wait > 0;
  print "4 0 none\\n";
`);

export const tmpfsFill = perl(`
  my ($bytes, $block) = (0, "x" x ${MIB});
  open my $file, ">", "/tmp/fill" or die $!;
  while (defined(my $written = syswrite $file, $block)) { $bytes += $written }
  my $why = $!;
  select undef, undef, undef, ${HOLD_SECONDS};
  unlink "/tmp/fill";
  print "$bytes 1 $why\\n";
`);

/** Writes where the container's own output goes. */
export const logFlood = perl(`
  my ($bytes, $line) = (0, ("x" x 999) . "\\n");
  open my $log, ">", "/proc/1/fd/1" or die $!;
  while ($bytes < ${FLOOD_BYTES}) { $bytes += syswrite $log, $line }
  select undef, undef, undef, ${HOLD_SECONDS};
  print "$bytes 0 none\\n";
`);

function perl(script: string): Attack {
  return { command: ["perl", "-e", script] };
}

/** Runs an attack under the uid and in the cgroup of the container's own processes. */
export function launch(containerId: string, attack: Attack): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn("docker", ["exec", containerId, ...attack.command], { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (output += text));
    child.on("error", reject);
    child.on("close", (code) => {
      const [, done, refused, reason = ""] = /^(\d+) (\d+) (.*)$/m.exec(output) ?? [];
      resolve({ code: code ?? -1, done: Number(done ?? 0), refused: Number(refused ?? 0), reason, output });
    });
  });
}

/** Sizes of a container's log files on this host, the newest first. */
export async function logFileSizes(info: Docker.ContainerInspectInfo): Promise<number[]> {
  const folder = dirname(info.LogPath);
  const names = (await readdir(folder)).filter((name) => name.startsWith(basename(info.LogPath))).sort();
  return Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
}
