/** Stands in for the official random plugin. */
import { randomId } from "./randomId.ts";
import { randomPassword, randomString } from "./randomText.ts";
import type { Plugin } from "../resourceType.ts";

export const randomPlugin: Plugin = {
  name: "random",
  version: "4.21.2",
  types: {
    "random:index/randomId:RandomId": randomId,
    "random:index/randomPassword:RandomPassword": randomPassword,
    "random:index/randomString:RandomString": randomString,
  },
};
