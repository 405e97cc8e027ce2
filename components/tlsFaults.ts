import { createPrivateKey, X509Certificate } from "node:crypto";

interface Published {
  bind: string;
  tls?: { certificate: string; key: string } | undefined;
}

/** What is wrong with how a port is published, one line each; never a part of the key. */
export function tlsFaults({ bind, tls }: Published, key: string, now = new Date()): string[] {
  if (!tls) {
    if (bind.startsWith("127.")) return [];
    return [
      `${key}.bind: "${bind}" given without ${key}.tls, so that tokens would travel in clear; give tls.certificate and tls.key, or bind a loopback address (127.0.0.1) and let what encrypts run on this host`,
    ];
  }
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(tls.certificate);
  } catch {
    return [`${key}.tls.certificate: what was given is no certificate; give a chain in PEM, the host's own first`];
  }
  try {
    if (!certificate.checkPrivateKey(createPrivateKey(tls.key))) {
      return [`${key}.tls.key: what was given (not shown) is the key of another certificate`];
    }
  } catch {
    return [`${key}.tls.key: what was given (not shown) is no private key; give one in PEM, without a passphrase`];
  }
  return new Date(certificate.validTo) < now
    ? [`${key}.tls.certificate: it has ended on ${certificate.validTo}; give one that is valid`]
    : [];
}
