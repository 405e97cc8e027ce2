import type * as pulumi from "@pulumi/pulumi";
import type { Limits } from "../../runtime/contract/index.ts";
import { EstateNetwork } from "../estateNetwork.ts";
import { PROMETHEUS_PORT } from "../imageRecipe.ts";
import type { Target } from "../targets/index.ts";
import { grafanaProgram, type DatasourceUrls } from "./grafana.ts";
import { JAEGER_PORT, jaegerProgram, OTLP_PORT } from "./jaeger.ts";
import { LOKI_PORT, lokiProgram } from "./loki.ts";
import { Store, type StoreProgram } from "./store.ts";
import type { StoresConfig } from "./storesConfig.ts";

export interface StoresArgs {
  target: Target;
  settings: StoresConfig;
  /** /29 of the network on which the collector and Grafana find them. */
  subnet: string;
  protectVolumes: boolean;
}

/** The stack's own stores of lines and traces, and Grafana, as far as the settings name them. */
export class Stores {
  /** Base URLs on the stores' network, for the collector. */
  readonly urls: { loki?: string; otlp?: string } = {};
  readonly networkName: pulumi.Output<string> | undefined;
  readonly #args: StoresArgs;
  readonly #opts: pulumi.ComponentResourceOptions;

  constructor(args: StoresArgs, opts: pulumi.ComponentResourceOptions) {
    this.#args = args;
    this.#opts = opts;
    const { target, settings, subnet } = args;
    const { loki, jaeger, grafana } = settings;
    if (!loki && !jaeger && !grafana) return;
    // Pages of theirs are published.
    const network = { target, component: "stores", subnet, kind: "edge" as const };
    this.networkName = new EstateNetwork("stores", network, opts).networkName;
    if (loki) {
      this.#store("loki", lokiProgram(loki), []);
      this.urls.loki = `http://loki:${LOKI_PORT}`;
    }
    if (jaeger) {
      this.#store("jaeger", jaegerProgram(jaeger), []);
      this.urls.otlp = `http://jaeger:${OTLP_PORT}`;
    }
  }

  /** Grafana last: it joins the network of what it asks. @returns where it is, if anywhere. */
  showAll(prometheusNetwork: pulumi.Input<string>): string {
    const { grafana, jaeger } = this.#args.settings;
    if (!grafana) return "";
    const urls: DatasourceUrls = {
      prometheus: `http://prometheus:${PROMETHEUS_PORT}`,
      ...(this.urls.loki ? { loki: this.urls.loki } : {}),
      ...(jaeger ? { jaeger: `http://jaeger:${JAEGER_PORT}` } : {}),
    };
    const secretEnv = { GF_SECURITY_ADMIN_PASSWORD: grafana.password };
    this.#store("grafana", grafanaProgram(grafana, urls), [prometheusNetwork], secretEnv);
    return `http://127.0.0.1:${grafana.port}`;
  }

  #store(
    name: string,
    program: StoreProgram,
    networks: ReadonlyArray<pulumi.Input<string>>,
    secretEnv: Readonly<Record<string, string>> = {},
  ): void {
    const { target, protectVolumes } = this.#args;
    const own = this.networkName === undefined ? [] : [this.networkName];
    new Store(name, { target, program, networks: [...own, ...networks], secretEnv, protectVolumes }, this.#opts);
  }
}

/** What the settings name, with what each may use. */
export function storePrograms({ loki, jaeger, grafana }: StoresConfig): Array<{ name: string; limits: Limits }> {
  return [
    ...(loki ? [{ name: "loki", limits: lokiProgram(loki).limits }] : []),
    ...(jaeger ? [{ name: "jaeger", limits: jaegerProgram(jaeger).limits }] : []),
    ...(grafana ? [{ name: "grafana", limits: grafanaProgram(grafana, {}).limits }] : []),
  ];
}
