import { CONTAINER } from "../resource.ts";
import type { ResourceRule } from "../rule.ts";

const MODES = ["networkMode", "pidMode", "ipcMode", "usernsMode", "cgroupnsMode"];

export const hostNamespaces: ResourceRule = {
  name: "no-host-namespaces",
  description: "No container shares a namespace of the host or of another container.",
  severity: "mandatory",
  types: [CONTAINER],
  check({ inputs }) {
    return MODES.filter((mode) => /^(host$|container:)/.test(String(inputs[mode]))).map((mode) => ({
      why: `${mode}: ${String(inputs[mode])}`,
      todo: `take ${mode} out, and let it reach others through a network`,
    }));
  },
};
