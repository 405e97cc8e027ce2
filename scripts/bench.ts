/**
 * `npm run bench`: the benchmarks that a change is judged by, one after the other, each with its ratios in one run.
 * `npm run bench -- deployment` runs one; `--save` keeps what it prints in docs/results/.
 */
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { main } from "./lib/main.ts";
import { projectDir } from "./lib/paths.ts";
import { UserError } from "./lib/userError.ts";

/** Script → title of its page in docs/results/; "" for one that writes its page itself. */
const BENCHES: Readonly<Record<string, string>> = {
  deployment: "Deployment of five servers",
  rollback: "",
  requestPath: "",
};

await main(async () => {
  const words = process.argv.slice(2);
  const save = words.includes("--save");
  const named = words.filter((word) => !word.startsWith("--"));
  const unknown = named.find((name) => !(name in BENCHES));
  if (unknown !== undefined) {
    throw new UserError(`there is no benchmark "${unknown}"; there are ${Object.keys(BENCHES).join(", ")}`);
  }
  for (const name of named.length > 0 ? named : Object.keys(BENCHES)) {
    const { code, printed } = await run(join(projectDir, "scripts/bench", `${name}.ts`));
    if (code !== 0) return code;
    const title = BENCHES[name];
    if (save && title) keep(name, title, printed);
  }
  return 0;
});

function run(script: string): Promise<{ code: number; printed: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script], { cwd: projectDir, stdio: ["inherit", "pipe", "inherit"] });
    let printed = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      printed += text;
      process.stdout.write(text);
    });
    child.on("error", reject);
    child.on("close", (code) => {
      resolve({ code: code ?? 1, printed });
    });
  });
}

function keep(name: string, title: string, printed: string): void {
  const folder = join(projectDir, "docs/results");
  mkdirSync(folder, { recursive: true });
  const command = `npm run bench -- ${name} --save`;
  const page = `# ${title}\n\nWritten by \`${command}\`.\n\n\`\`\`\n${printed.trim()}\n\`\`\`\n`;
  writeFileSync(join(folder, `${name}.md`), page);
}
