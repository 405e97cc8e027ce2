import { z } from "zod";

/** What to do with objects that nobody declared. Those with this stack's mark are removed; volumes never are. */
export const orphansSchema = z
  .strictObject({
    /** Globs over image references and container names, for example `mcp/*`. */
    patterns: z.array(z.string().min(1)).default([]),
    /** What to do with containers that match and carry nobody's mark. */
    patterned: z.enum(["report", "remove"]).default("report"),
    /** Images of each component that stay for a rollback, the current one included. */
    keepImages: z.int().min(1).max(100).default(5),
    /** MCP servers that run on the host outside of containers; `end` is TERM, then KILL. */
    hostProcesses: z.enum(["ignore", "report", "end"]).default("report"),
    /** Texts: a host process whose command line holds one is left alone. */
    hostAllowed: z.array(z.string().min(1)).default([]),
    /** Start scripts of the host in `startScriptPaths`; `disable` adds a suffix and takes the permission to execute. */
    startScripts: z.enum(["report", "disable"]).default("report"),
    /** Files, and folders whose executable scripts are meant. */
    startScriptPaths: z.array(z.string().regex(/^\/./, "an absolute path of the host")).default([]),
  })
  .prefault({});
