import type { CatalogueEntry } from "./entry.ts";

export const slack: CatalogueEntry = {
  name: "slack",
  description: "Channels and messages on Slack.",
  runtime: "node",
  package: {
    ecosystem: "npm",
    name: "@modelcontextprotocol/server-slack",
    version: "2025.4.25",
    lockFolder: "components/catalogue/locks/slack",
  },
  transport: "stdio",
  command: ["/usr/local/bin/node", "/app/node_modules/@modelcontextprotocol/server-slack/dist/index.js"],
  needs: { SLACK_BOT_TOKEN: "a token of the bot that it acts for", SLACK_TEAM_ID: "id of the workspace" },
  limitClass: "light",
  sharing: "shared",
  listsOnly: "every tool asks Slack; any token starts it",
  remarks: "Archived by its makers.",
};
