import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { LAMBDA_PACE, nextTurn, type Pace } from "./pace.ts";

/** How an account is reached. */
export interface LambdaAccess {
  /** For example https://cloud.lambda.ai */
  baseUrl: string;
  /** File with the API key alone, readable by its owner. */
  tokenFile: string;
}

/** Waits between tries, in milliseconds. */
export interface LambdaTiming extends Pace {
  /** After the first failure; twice as long each time. */
  backOffMs: number;
  /** Longest of these waits. */
  longestBackOffMs: number;
  /** For one answer. */
  timeoutMs: number;
}

export const LAMBDA_TIMING: LambdaTiming = {
  ...LAMBDA_PACE,
  backOffMs: 2000,
  longestBackOffMs: 60_000,
  timeoutMs: 30_000,
};

/** A refusal in Lambda's own words. Only `code` is for programs. */
export class LambdaError extends Error {
  override readonly name = "LambdaError";
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** What was asked may have been done: there was no answer, or one that says nothing. */
export class UnknownOutcome extends Error {
  override readonly name = "UnknownOutcome";
}

const errorSchema = z.object({
  error: z.object({ code: z.string(), message: z.string(), suggestion: z.string().optional() }),
});

/** Tries of a question; each waits twice as long as the one before. */
const TRIES = 6;
const UNAUTHORIZED = 401;
const TOO_MANY = 429;
const SERVER_FAULT = 500;

/** Lambda's public API, one request at a time (https://docs-api.lambda.ai/api/cloud). */
export class LambdaClient {
  readonly #access: LambdaAccess;
  readonly #timing: LambdaTiming;
  #token: string | undefined;

  constructor(access: LambdaAccess, timing: LambdaTiming = LAMBDA_TIMING) {
    this.#access = access;
    this.#timing = timing;
  }

  /**
   * A question that changes nothing: asked again after 429, 5xx and silence.
   * @throws LambdaError, or UnknownOutcome when no try was answered.
   */
  async get<T>(path: string, schema: z.ZodType<T>): Promise<T> {
    return this.#patiently(() => this.#send("GET", path, schema, undefined, "request"), true);
  }

  /**
   * A change. Asked again only where it was certainly not done (429) or may be done twice.
   * @param kind launch: with the pace of launches
   * @param repeatable doing it twice is the same as once
   * @throws LambdaError, or UnknownOutcome where it may have been done.
   */
  async change<T>(
    method: "POST" | "PUT" | "PATCH" | "DELETE",
    path: string,
    schema: z.ZodType<T>,
    {
      body,
      kind = "request",
      repeatable = false,
    }: { body?: unknown; kind?: "request" | "launch"; repeatable?: boolean } = {},
  ): Promise<T> {
    return this.#patiently(() => this.#send(method, path, schema, body, kind), repeatable);
  }

  /** Tells this account from others; the key cannot be had from it. */
  async account(): Promise<string> {
    const token = (this.#token ??= await readToken(this.#access.tokenFile));
    return createHash("sha256").update(`${this.#access.baseUrl} ${token}`).digest("hex");
  }

  async #patiently<T>(send: () => Promise<T>, repeatable: boolean): Promise<T> {
    const { backOffMs, longestBackOffMs } = this.#timing;
    for (let attempt = 1; ; attempt++) {
      try {
        return await send();
      } catch (error) {
        const isRefused = error instanceof LambdaError && error.status === TOO_MANY;
        const mayRepeat = isRefused || (repeatable && isTransient(error));
        if (!mayRepeat || attempt === TRIES) throw error;
        await sleep(Math.min(backOffMs * 2 ** (attempt - 1), longestBackOffMs));
      }
    }
  }

  async #send<T>(
    method: string,
    path: string,
    schema: z.ZodType<T>,
    body: unknown,
    kind: "request" | "launch",
  ): Promise<T> {
    await nextTurn(await this.account(), kind, this.#timing);
    const token = this.#token ?? "";
    const what = `${method} ${path}`;
    let status: number;
    let text: string;
    try {
      const response = await fetch(`${this.#access.baseUrl}/api/v1${path}`, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        // Whoever is redirected to has no business with the key.
        redirect: "error",
        signal: AbortSignal.timeout(this.#timing.timeoutMs),
      });
      status = response.status;
      text = await response.text();
    } catch (error) {
      throw new UnknownOutcome(`${what} was not answered: ${reasonOf(error)}`, { cause: error });
    }
    if (status >= SERVER_FAULT) throw new UnknownOutcome(`${what} was answered with ${status}`);
    if (status >= 400) throw refusal(what, status, text, this.#access.tokenFile);
    return parsed(what, text, schema);
  }
}

function refusal(what: string, status: number, text: string, tokenFile: string): LambdaError {
  const found = errorSchema.safeParse(tryJson(text));
  if (!found.success) return new LambdaError(status, `http/${status}`, `${what} was refused with ${status}`);
  const { code, message, suggestion } = found.data.error;
  if (status === UNAUTHORIZED) {
    const remedy = "create a key at Lambda and put it there, alone";
    return new LambdaError(status, code, `Lambda does not accept the key in ${tokenFile} (${code}); ${remedy}`);
  }
  return new LambdaError(
    status,
    code,
    `${what} was refused (${code}): ${message}${suggestion ? ` ${suggestion}` : ""}`,
  );
}

function parsed<T>(what: string, text: string, schema: z.ZodType<T>): T {
  const answer = z.object({ data: schema }).safeParse(tryJson(text));
  if (answer.success) return answer.data.data;
  throw new UnknownOutcome(`${what} was answered with what is no answer: ${z.prettifyError(answer.error)}`);
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A fault of the moment, of the way there or of Lambda's own. */
export function isTransient(error: unknown): boolean {
  return error instanceof UnknownOutcome || (error instanceof LambdaError && error.code.startsWith("provider/"));
}

function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? `${message} (${cause.message})` : message;
}

/** @throws Error that says what is to be in the file. */
async function readToken(file: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    throw new Error(
      `${file} with the key of Lambda's API cannot be read; create one at Lambda and put it there, alone`,
      {
        cause: error,
      },
    );
  }
  const token = text.trim();
  if (!/^\S+$/.test(token))
    throw new Error(`${file} is to hold the key of Lambda's API alone, and holds something else`);
  return token;
}
