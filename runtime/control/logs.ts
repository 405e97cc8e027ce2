const LOGS = /^\/containers\/([0-9a-f]{64})\/logs\?(.*)$/;
/** What may be asked for, and how it must look: Unix time, a number of lines, whether to go on. */
const PARAMETERS: Readonly<Record<string, RegExp>> = {
  since: /^\d{1,12}(\.\d{1,9})?$/,
  tail: /^\d{1,5}$/,
  follow: /^1$/,
};

/** A question for what a container has written, in Docker's words. */
export interface LogsQuestion {
  id: string;
  query: string;
}

/** `/containers/ID/logs?since=…&tail=…&follow=1`, each of them once at most; undefined for anything else. */
export function logsQuestion(path: string): LogsQuestion | undefined {
  const [, id, asked] = LOGS.exec(path) ?? [];
  if (id === undefined || asked === undefined) return undefined;
  const given = [...new URLSearchParams(asked)];
  const isGood = given.every(([name, value]) => PARAMETERS[name]?.test(value));
  if (!isGood || new Set(given.map(([name]) => name)).size < given.length) return undefined;
  const query = new URLSearchParams([["stdout", "1"], ["stderr", "1"], ["timestamps", "1"], ...given]);
  return { id, query: query.toString() };
}
