/** Servers that estates name and of which nothing usable exists: name → why, as of November 2026. */
export const unavailable: ReadonlyMap<string, string> = new Map([
  [
    "ruv-swarm",
    "ruv-swarm 1.0.20 needs better-sqlite3 compiled for the image's Node, whose headers are in no package registry; and npm ci refuses its lock file, as its optional dependency worker_threads is in none either",
  ],
  ["ultimatecoder", "no package of that name answers MCP"],
  ["gong", "no package for Gong answers MCP"],
  [
    "snowflake",
    "snowflake-labs-mcp connects to an account before it answers, so that nothing of it can be proved without one",
  ],
  ["salesforce", "@salesforce/mcp ended at its start"],
  ["lambda-labs", "no package for Lambda Labs answers MCP"],
]);
