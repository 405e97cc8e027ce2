import { LABEL_COMPONENT, LABEL_ESTATE, LABEL_STACK } from "../../components/naming.ts";
import { CONTAINER, labelsOf, NETWORK, UNKNOWN, VOLUME } from "../resource.ts";
import type { ResourceRule } from "../rule.ts";

/** R-DRF-02: what carries no mark is a stranger to the sweep, to backups and to `down`. */
export const labels: ResourceRule = {
  name: "labels",
  description: "Containers, networks and volumes say whose they are.",
  severity: "mandatory",
  types: [CONTAINER, NETWORK, VOLUME],
  check(resource) {
    // Data volumes and adopted networks keep those that they were made with: others would replace them.
    if (resource.inputs["labels"] === UNKNOWN || resource.ignoreChanges.includes("labels")) return [];
    const { project, stack } = resource;
    const given = labelsOf(resource);
    const wanted = new Map([
      [LABEL_ESTATE, project],
      [LABEL_STACK, stack],
      [LABEL_COMPONENT, undefined],
    ]);
    const wrong = [...wanted].filter(([name, value]) => {
      const is = given.get(name);
      if (is === UNKNOWN) return false;
      return value === undefined ? !is : is !== value;
    });
    if (wrong.length === 0) return [];
    const names = wrong.map(([name]) => name).join(", ");
    return [{ why: `without ${names} of this stack`, todo: "give it labels: labelsOf(owner, component) of naming.ts" }];
  },
};
