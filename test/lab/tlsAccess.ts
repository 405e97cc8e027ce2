import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./shell.ts";

const DAYS = "2";

/** A certificate authority of a lab, with a certificate for each host and one for whoever calls. */
export class TlsAccess {
  /** Of whoever calls: ca.pem, cert.pem and key.pem, as DOCKER_CERT_PATH wants them. */
  readonly folder: string;

  constructor(folder: string) {
    this.folder = join(folder, "tls");
  }

  async create(): Promise<void> {
    mkdirSync(this.folder, { recursive: true });
    const [key, certificate] = [join(this.folder, "ca-key.pem"), join(this.folder, "ca.pem")];
    const options = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", DAYS, "-subj", "/CN=lab"];
    await run("openssl", "req", ...options, "-keyout", key, "-out", certificate);
    await this.issue("client", "extendedKeyUsage=clientAuth", "cert.pem", "key.pem");
  }

  /** Options of a dockerd that lets in whom this authority knows. @param address of the host. */
  async daemonOptions(name: string, address: string): Promise<string[]> {
    const [certificate, key] = [`${name}-cert.pem`, `${name}-key.pem`];
    await this.issue(name, `subjectAltName=IP:${address}\nextendedKeyUsage=serverAuth`, certificate, key);
    const file = (each: string) => join(this.folder, each);
    const options = [`--tlscacert=${file("ca.pem")}`, `--tlscert=${file(certificate)}`, `--tlskey=${file(key)}`];
    return [`--host=tcp://${address}:2376`, "--tlsverify", ...options];
  }

  private async issue(name: string, extensions: string, certificate: string, key: string): Promise<void> {
    const file = (each: string) => join(this.folder, each);
    writeFileSync(file(`${name}.ext`), `${extensions}\n`);
    const request = ["-newkey", "rsa:2048", "-nodes", "-subj", `/CN=${name}`];
    await run("openssl", "req", ...request, "-keyout", file(key), "-out", file(`${name}.csr`));
    const signed = [
      "-req",
      "-in",
      file(`${name}.csr`),
      "-CA",
      file("ca.pem"),
      "-CAkey",
      file("ca-key.pem"),
      "-CAcreateserial",
    ];
    await run("openssl", "x509", ...signed, "-days", DAYS, "-extfile", file(`${name}.ext`), "-out", file(certificate));
  }
}
