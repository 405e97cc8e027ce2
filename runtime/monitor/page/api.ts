import type { History, LogView, Overview } from "../view.ts";

/** The session has ended or never began. */
export class LoggedOut extends Error {}

async function ask(path: string, init?: RequestInit): Promise<unknown> {
  const response = await fetch(`/monitor/${path}`, init);
  if (response.status === 401 && init === undefined) throw new LoggedOut();
  const body = (await response.json()) as { error?: string };
  if (!response.ok) throw new Error(body.error ?? `the server answers with ${response.status}`);
  return body;
}

const post = (body: string): RequestInit => ({ method: "POST", headers: { "content-type": "application/json" }, body });

/** @throws LoggedOut; Error with the server's words. */
export const readOverview = () => ask("overview") as Promise<Overview>;
/** @throws LoggedOut; Error with the server's words. */
export const readHistory = (minutes: number) => ask(`history?minutes=${minutes}`) as Promise<History>;
/** @throws LoggedOut; Error with the server's words. */
export const readLog = (container: string) => ask(`log?container=${encodeURIComponent(container)}`) as Promise<LogView>;
/** @throws Error with the server's words. */
export const logIn = (token: string) => ask("login", post(token));
export const logOut = () => ask("logout", post(""));
