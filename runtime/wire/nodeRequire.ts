/**
 * Must be the first import of each program. pino, prom-client and undici are CommonJS; in esbuild's ESM output their
 * `require("node:…")` ends in a stub that looks for a global `require` when it is called. This gives it one, so that the
 * bundle needs no banner.
 */
import { createRequire } from "node:module";

Object.assign(globalThis, { require: createRequire(import.meta.url) });
