/**
 * Loaded before the program: spares it what @pulumi/pulumi does for its own developers, once per resource and promise.
 *
 * - Its debug messages, some four per resource, go to the engine one after the other, each waiting for its answer; the
 *   engine drops them unless `--debug` was given.
 * - It records the stack of every promise, to be shown for those that never end when PULUMI_DEBUG_PROMISE_LEAKS is set.
 */
import Module from "node:module";

type Call = (...args: unknown[]) => unknown;
type Load = (request: string, parent: { filename?: string } | undefined, isMain: boolean) => Record<string, Call>;

const loader = Module as unknown as { _load: Load };
const load = loader._load;

loader._load = (request, parent, isMain) => {
  const loaded = load.call(Module, request, parent, isMain);
  if (!/\/(log|debuggable)$/.test(request) || !/[\\/]@pulumi[\\/]pulumi[\\/]/.test(parent?.filename ?? ""))
    return loaded;
  if (request.endsWith("log")) loaded["debug"] = () => Promise.resolve();
  else if (!process.env["PULUMI_DEBUG_PROMISE_LEAKS"]) loaded["debuggablePromise"] = withoutStack(loaded);
  return loaded;
};

const patched = new WeakSet<Call>();

function withoutStack(module: Record<string, Call>): Call {
  const original = module["debuggablePromise"];
  if (original === undefined) throw new Error("@pulumi/pulumi/runtime/debuggable has no debuggablePromise any more");
  if (patched.has(original)) return original;
  const light: Call = (...args) => {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    try {
      return original(...args);
    } finally {
      Error.stackTraceLimit = limit;
    }
  };
  patched.add(light);
  return light;
}
