import { limitClasses } from "../limitClasses.ts";
import type { StoreProgram } from "./store.ts";
import type { StoresConfig } from "./storesConfig.ts";

export const LOKI_PORT = 3100;
const CONFIG = "/etc/loki/mcp-estate.yaml";
const DATA = "/loki";

/** Loki alone, on its own disk (https://grafana.com/docs/loki/latest/configure/). Its configuration is JSON, which is YAML too. */
export function lokiProgram({ image, retentionDays }: NonNullable<StoresConfig["loki"]>): StoreProgram {
  const config = {
    auth_enabled: false,
    server: { http_listen_port: LOKI_PORT, log_level: "warn" },
    common: {
      path_prefix: DATA,
      replication_factor: 1,
      ring: { kvstore: { store: "inmemory" }, instance_addr: "127.0.0.1" },
      storage: { filesystem: { chunks_directory: `${DATA}/chunks`, rules_directory: `${DATA}/rules` } },
    },
    schema_config: {
      configs: [
        {
          from: "2024-01-01",
          store: "tsdb",
          object_store: "filesystem",
          schema: "v13",
          index: { prefix: "index_", period: "24h" },
        },
      ],
    },
    compactor: { working_directory: `${DATA}/compactor`, retention_enabled: true, delete_request_store: "filesystem" },
    limits_config: {
      retention_period: `${retentionDays * 24}h`,
      // A stack whose store was away brings what is older.
      reject_old_samples: false,
      allow_structured_metadata: true,
    },
    analytics: { reporting_enabled: false },
  };
  return {
    image,
    files: { [CONFIG]: `${JSON.stringify(config, null, 2)}\n` },
    entrypoint: ["/usr/bin/loki", `-config.file=${CONFIG}`],
    user: "10001:10001",
    env: {},
    dataPath: DATA,
    limits: { ...limitClasses.standard, memoryMiB: 1024, nofile: { soft: 8192, hard: 8192 } },
  };
}
