import { z } from "zod";

/** `${db.readerPassword}`: a secret of a core service, in a secret variable of a server. */
const REFERENCE = /\$\{([a-z][a-z0-9-]*)\.(\w+)\}/g;

/** As an expression of its own, for what reads files. */
export const REFERENCE_PATTERN = String.raw`\$\{[a-z][a-z0-9-]*\.\w+\}`;

/** A secret variable: encrypted in the file, or in clear where all that is secret of it is named. */
export const secretVariableSchema = z.string();

export interface SecretReference {
  service: string;
  secret: string;
}

export function referencesIn(text: string): SecretReference[] {
  return [...text.matchAll(REFERENCE)].map(([, service = "", secret = ""]) => ({ service, secret }));
}

/** @param valueOf what stands for it; a reference that it does not know stays as it is */
export function fillReferences(text: string, valueOf: (service: string, secret: string) => string | undefined): string {
  return text.replaceAll(REFERENCE, (whole, service: string, secret: string) => valueOf(service, secret) ?? whole);
}
