/** Stands in for the official random plugin. */
import { randomId } from "./random/randomId.ts";
import { randomPassword, randomString } from "./random/randomText.ts";
import type { Plugin } from "./resourceType.ts";
import { servePlugin } from "./server.ts";

const random: Plugin = {
  name: "random",
  version: "4.21.2",
  types: {
    "random:index/randomId:RandomId": randomId,
    "random:index/randomPassword:RandomPassword": randomPassword,
    "random:index/randomString:RandomString": randomString,
  },
};

servePlugin(random);
