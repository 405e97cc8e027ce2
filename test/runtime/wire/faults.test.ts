import { deepEqual, equal } from "node:assert/strict";
import { asFault, Fault, type FaultKind } from "../../../runtime/wire/faults.ts";
import { faultHeaders } from "../../../runtime/wire/httpIo.ts";

const STATUS: Readonly<Record<FaultKind, number>> = {
  "bad-request": 400,
  unauthorised: 401,
  forbidden: 403,
  "not-found": 404,
  "not-acceptable": 406,
  "unsupported-type": 415,
  "unsupported-revision": 400,
  "too-large": 413,
  "too-many": 429,
  cancelled: 499,
  upstream: 502,
  lost: 502,
  unavailable: 503,
  overloaded: 503,
  timeout: 504,
};

describe("R-GW-06 faults", () => {
  for (const [kind, status] of Object.entries(STATUS) as [FaultKind, number][]) {
    it(`${kind} is HTTP ${status}`, () => equal(new Fault(kind, "x").status, status));
  }

  it("what nobody foresaw is the upstream's, never a success", () => {
    equal(asFault(new TypeError("odd")).status, 502);
    equal(asFault("odd").message, "odd");
  });

  it("503 says when to come back, 401 how to", () => {
    deepEqual(faultHeaders(new Fault("unavailable", "x")), { "retry-after": "2" });
    deepEqual(faultHeaders(new Fault("unauthorised", "x")), { "www-authenticate": "Bearer" });
    deepEqual(faultHeaders(new Fault("timeout", "x")), {});
  });
});
