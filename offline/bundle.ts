import { build, type BuildOptions } from "esbuild";

/**
 * Bundles a program into CommonJS for this project's Node, which starts several times as fast from one file.
 * @param leaveOut packages that are imported and never used in it: each is an empty module there.
 * @throws Error when a source does not bundle.
 */
export async function bundleForNode(options: BuildOptions, leaveOut: readonly string[]): Promise<void> {
  await build({
    ...options,
    bundle: true,
    platform: "node",
    target: "node24",
    format: "cjs",
    minify: true,
    keepNames: true,
    logLevel: "error",
    plugins: [
      {
        name: "leave-out-unused",
        setup(setup) {
          setup.onResolve({ filter: new RegExp(`^(?:${leaveOut.join("|")})$`) }, ({ path }) => ({
            path,
            namespace: "left-out",
          }));
          setup.onLoad({ filter: /.*/, namespace: "left-out" }, () => ({ contents: "module.exports = {};" }));
        },
      },
    ],
  });
}
