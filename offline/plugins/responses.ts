import providerProto from "@pulumi/pulumi/proto/provider_pb.js";
import type * as rpc from "@pulumi/pulumi/proto/provider_pb.js";
import type { CheckFailure, DiffKind, DiffResult } from "./resourceType.ts";
import type { ValueMap } from "./values.ts";
import { toStruct } from "./wire.ts";

const DIFF_KINDS: Readonly<Record<DiffKind, rpc.PropertyDiff.Kind>> = {
  add: providerProto.PropertyDiff.Kind.ADD,
  "add-replace": providerProto.PropertyDiff.Kind.ADD_REPLACE,
  delete: providerProto.PropertyDiff.Kind.DELETE,
  "delete-replace": providerProto.PropertyDiff.Kind.DELETE_REPLACE,
  update: providerProto.PropertyDiff.Kind.UPDATE,
  "update-replace": providerProto.PropertyDiff.Kind.UPDATE_REPLACE,
};

/** Leaves out what the program's `ignoreChanges` names: a path ignores itself and everything below it. */
export function withoutIgnored(diff: DiffResult, ignored: readonly string[]): DiffResult {
  if (ignored.length === 0) return diff;
  const isIgnored = (path: string) =>
    ignored.some((entry) => path === entry || (/^[.[]/.test(path.slice(entry.length)) && path.startsWith(entry)));
  const topLevel = (path: string) => path.split(/[.[]/)[0] ?? path;
  if (diff.detailed === undefined) {
    const kept = (names: string[]) => names.filter((name) => !isIgnored(name));
    return { ...diff, changed: kept(diff.changed), replaces: kept(diff.replaces) };
  }
  const detailed = Object.fromEntries(Object.entries(diff.detailed).filter(([path]) => !isIgnored(path)));
  const left = new Set(Object.keys(detailed).map(topLevel));
  const kept = (names: string[]) => names.filter((name) => left.has(name));
  return { ...diff, detailed, changed: kept(diff.changed), replaces: kept(diff.replaces) };
}

export function checkResponse(inputs: ValueMap, failures: readonly CheckFailure[]): rpc.CheckResponse {
  const response = new providerProto.CheckResponse();
  response.setInputs(toStruct(inputs));
  for (const { property, reason } of failures) {
    const failure = new providerProto.CheckFailure();
    failure.setProperty(property);
    failure.setReason(reason);
    response.addFailures(failure);
  }
  return response;
}

export function diffResponse(diff: DiffResult): rpc.DiffResponse {
  const response = new providerProto.DiffResponse();
  const { DIFF_NONE, DIFF_SOME } = providerProto.DiffResponse.DiffChanges;
  response.setChanges(diff.changed.length > 0 ? DIFF_SOME : DIFF_NONE);
  response.setDiffsList(diff.changed);
  response.setReplacesList(diff.replaces);
  response.setDeletebeforereplace(diff.deleteBeforeReplace && diff.replaces.length > 0);
  response.setHasdetaileddiff(diff.detailed !== undefined);
  for (const [path, kind] of Object.entries(diff.detailed ?? {})) {
    const property = new providerProto.PropertyDiff();
    property.setKind(DIFF_KINDS[kind]);
    response.getDetaileddiffMap().set(path, property);
  }
  return response;
}
