import { cp, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { capture } from "./exec.ts";
import { provideGo, type ProvideGoOptions } from "./goToolchain.ts";
import { duration, throttled, type Say } from "./log.ts";
import { projectDir } from "./paths.ts";
import { engineVersion } from "./versions.ts";

/** What `go list -deps` counts for this version, standard library included: only for "n of about m". */
const packageCount = 1_655;

export interface BuildOptions extends ProvideGoOptions {
  /** Where `pulumi` is put, whole or not at all. */
  folder: string;
}

/**
 * Builds the command line program from its published Go module. Cold some 3.5 min on 2 cores and 1.3 GB of modules, warm 20 s.
 * @throws Error with the compiler's last lines.
 */
export async function buildEngine({ folder, ...options }: BuildOptions): Promise<void> {
  const { env, say } = options;
  const go = await provideGo(options);
  await mkdir(folder, { recursive: true });
  const workDir = await mkdtemp(join(folder, ".build-"));
  const started = Date.now();
  const progress = buildProgress(throttled(say), started);
  try {
    // A copy, so that nothing the build does can touch the committed module files.
    await cp(join(projectDir, "offline", "engine"), join(workDir, "module"), { recursive: true });
    say(`building pulumi ${engineVersion} from its Go module (once on this machine, some minutes)`);
    const file = join(workDir, "pulumi");
    const { code, stderr } = await capture(
      go.file,
      [
        "build",
        "-v",
        "-mod=readonly",
        "-trimpath",
        "-buildvcs=false",
        "-ldflags",
        linkerFlags,
        "-o",
        file,
        mainPackage,
      ],
      { cwd: join(workDir, "module"), env: { ...env, ...buildEnv, ...go.env }, onStderrLine: progress },
    );
    if (code !== 0) throw new Error(`go build failed (exit code ${code}): ${failureLines(stderr)}`);
    const { stdout } = await capture(file, ["version"], { env: { ...env, PULUMI_SKIP_UPDATE_CHECK: "true" } });
    if (stdout.trim() !== `v${engineVersion}`) throw new Error(`the built program says version "${stdout.trim()}"`);
    await rename(file, join(folder, "pulumi"));
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
  await go.cleanUp();
  say(`built in ${duration(Date.now() - started)}`);
}

const mainPackage = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi";

/** The same program on every machine, whether it has a C compiler or not. */
const buildEnv = { GOFLAGS: "", CGO_ENABLED: "0" };

/** Without the version inside, the SDK refuses the program. */
const linkerFlags = `-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v${engineVersion}`;

/** Turns the lines of `go build -v` into counts: `go: downloading MODULE VERSION`, then one line per compiled package. */
export function buildProgress(say: Say, started: number, now: () => number = Date.now): (line: string) => void {
  let modules = 0;
  let packages = 0;
  return (line) => {
    if (line.startsWith("go: downloading ")) modules++;
    else if (/^[\w.\-/]+$/.test(line)) packages++;
    const what =
      packages > 0 ? `${packages} of about ${packageCount} packages compiled` : `${modules} modules downloaded`;
    say(`building, ${duration(now() - started)}: ${what}`);
  };
}

function failureLines(stderr: string): string {
  return stderr
    .trim()
    .split("\n")
    .filter((line) => !line.startsWith("go: downloading "))
    .slice(-4)
    .join(" | ");
}
