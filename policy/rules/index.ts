import type { Rule } from "../rule.ts";
import { hardened, hardenedServices } from "./hardened.ts";
import { hostMounts } from "./hostMounts.ts";
import { hostNamespaces } from "./hostNamespaces.ts";
import { contentAddressed, noLatest } from "./imageReference.ts";
import { internalNetworks } from "./internalNetworks.ts";
import { labels } from "./labels.ts";
import { limits } from "./limits.ts";
import { privileged } from "./privileged.ts";
import { processLimit } from "./processLimit.ts";
import { protectedVolumes } from "./protectedVolumes.ts";
import { publicBind } from "./publicBind.ts";
import { secretEnvironment, secretsInClear } from "./secrets.ts";

export const rules: readonly Rule[] = [
  limits,
  processLimit,
  privileged,
  hostMounts,
  hostNamespaces,
  hardened,
  hardenedServices,
  contentAddressed,
  noLatest,
  labels,
  secretsInClear,
  secretEnvironment,
  publicBind,
  protectedVolumes,
  internalNetworks,
];
