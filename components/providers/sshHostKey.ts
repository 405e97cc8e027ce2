import type { ResourceProvider } from "@pulumi/pulumi/dynamic/index.js";
import ssh from "ssh2";

export interface SshHostKeyInputs {
  /** Of whom it is, for people who read it. */
  comment: string;
}

export interface SshHostKeyState extends SshHostKeyInputs {
  /** In OpenSSH's form; secret. */
  privateKey: string;
  /** In OpenSSH's form. */
  publicKey: string;
}

export const provider: ResourceProvider<SshHostKeyInputs, SshHostKeyState> = {
  create({ comment }) {
    const { private: privateKey, public: publicKey } = ssh.utils.generateKeyPairSync("ed25519", { comment });
    return Promise.resolve({ id: comment, outs: { comment, privateKey, publicKey } });
  },
  diff: (_id, olds, news) =>
    Promise.resolve(olds.comment === news.comment ? { changes: false } : { changes: true, replaces: ["comment"] }),
};
