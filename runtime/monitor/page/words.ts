/** "3 s", "12 min", "5 h". */
export function ago(seconds: number): string {
  if (seconds < 90) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}

/** Seconds since an ISO time. */
export function since(iso: string): number {
  return (Date.now() - Date.parse(iso)) / 1000;
}

export function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 1024 / 1024)} MiB`;
}

/** Class of a server's state: good it works, warn it may soon, bad it does not. */
export function mood(state: string): "good" | "warn" | "bad" {
  if (state === "healthy") return "good";
  return state === "degraded" || state === "starting" || state === "stopped" ? "warn" : "bad";
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
