import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import type { CoreServiceConfig } from "./coreServiceConfig.ts";
import { fillReferences } from "./secretReferences.ts";

/** 32 of 62 characters: 190 bits. */
const PASSWORD_LENGTH = 32;

/** Core service → name of the secret → its value. */
export type CoreServiceSecrets = ReadonlyMap<string, Readonly<Record<string, pulumi.Output<string>>>>;

/** What the settings give, and for the rest passwords that are made once and stay. */
export function coreServiceSecrets(services: readonly CoreServiceConfig[]): CoreServiceSecrets {
  return new Map(
    services.map(({ name, kind, secrets }) => [
      name,
      Object.fromEntries(
        Object.keys(kind.secrets).map((secret) => {
          const given = secrets[secret];
          return [secret, given === undefined ? createPassword(`${name}-${secret}`) : pulumi.secret(given)];
        }),
      ),
    ]),
  );
}

/** Values with `${SERVICE.SECRET}` filled in; all are secret. */
export function withReferences(
  values: Readonly<Record<string, string>>,
  secrets: CoreServiceSecrets,
): Record<string, pulumi.Input<string>> {
  const plain = pulumi.all(Object.fromEntries([...secrets].map(([name, each]) => [name, pulumi.all(each)])));
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => {
      const filled = () => plain.apply((all) => fillReferences(value, (service, secret) => all[service]?.[secret]));
      return [name, fillReferences(value, () => "") === value ? value : pulumi.secret(filled())];
    }),
  );
}

function createPassword(name: string): pulumi.Output<string> {
  return new random.RandomPassword(name, { length: PASSWORD_LENGTH, special: false }).result;
}
