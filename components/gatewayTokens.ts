import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { hashToken, OWNER, type GatewayTokens as HashedTokens } from "../runtime/contract/index.ts";
import { FIRST_TOKEN, type CallerConfig } from "./gatewayCallers.ts";

/** 48 of 62 characters: 285 bits. */
const TOKEN_LENGTH = 48;

interface Token {
  caller: string;
  name: string;
  expires?: string;
  /** In clear; secret. */
  value: pulumi.Output<string>;
}

/** Makes the bearer tokens of all callers. In clear they are stack outputs only; the gateway gets their hashes. */
export class GatewayTokens {
  /** The owner's current token. */
  readonly owner: pulumi.Output<string>;
  /** CALLER → its current token, CALLER/NAME → its other ones; the owner's current one is not among them. */
  readonly others: Readonly<Record<string, pulumi.Output<string>>>;
  /** Content of the gateway's file (gatewayTokensSchema). */
  readonly hashes: pulumi.Output<string>;

  /** @param prefix of the resources' names. */
  constructor(prefix: string, callers: readonly CallerConfig[], opts: pulumi.CustomResourceOptions) {
    const made = callers.flatMap(({ name: caller, tokens }) =>
      tokens.map((token) => ({ caller, ...token, value: createToken(resourceName(prefix, caller, token.name), opts) })),
    );
    const current = new Map(made.map((token) => [token.caller, token]));
    const byKey = made.map((token): [string, pulumi.Output<string>] => {
      const { caller, name, value } = token;
      return [current.get(caller) === token ? caller : `${caller}/${name}`, value];
    });
    const { [OWNER]: owner, ...others } = Object.fromEntries(byKey);
    if (owner === undefined) throw new Error(`${OWNER} is not among the callers`);
    this.owner = owner;
    this.others = others;
    this.hashes = hashed(made);
  }
}

/** A caller's first token has no name of its own; "--" is in no caller's name. */
function resourceName(prefix: string, caller: string, token: string): string {
  const base = caller === OWNER ? prefix : `${prefix}-${caller}`;
  return token === FIRST_TOKEN ? base : `${base}--${token}`;
}

function createToken(name: string, opts: pulumi.CustomResourceOptions): pulumi.Output<string> {
  return new random.RandomPassword(name, { length: TOKEN_LENGTH, special: false }, opts).result;
}

function hashed(tokens: readonly Token[]): pulumi.Output<string> {
  return pulumi.all(tokens.map(({ value }) => value)).apply((values) => {
    const file: HashedTokens = {
      version: 1,
      tokens: tokens.map(({ caller, expires }, index) => ({
        principal: caller,
        sha256: hashToken(values[index] ?? ""),
        ...(expires !== undefined && { expires }),
      })),
    };
    return JSON.stringify(file, null, 2);
  });
}
