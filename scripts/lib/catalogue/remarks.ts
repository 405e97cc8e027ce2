import { catalogue, unavailable } from "../../../components/catalogue/index.ts";

/** Server → why that it lists its tools is all that is known of it. */
export const listsOnly: ReadonlyMap<string, string> = new Map(
  [...catalogue.values()].flatMap(({ name, listsOnly: why }) => (why === undefined ? [] : [[name, why] as const])),
);

/** Server → why nothing usable of that name exists. */
export const notToBeHad: ReadonlyMap<string, string> = unavailable;
