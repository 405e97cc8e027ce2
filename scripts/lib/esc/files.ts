import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { projectName } from "../projectName.ts";
import { UserError } from "../userError.ts";
import { parseYaml } from "./definition.ts";
import { partsOfName, type Sources } from "./index.ts";

/** Folder of the definitions, in the project's. */
export const ESC_FOLDER = "esc";

/**
 * The definitions of a project: `PROJECT/NAME` lies in `esc/NAME.yaml` where PROJECT is this one or not given, else in
 * `esc/PROJECT/NAME.yaml`.
 * @param folder of the project.
 */
export function definitionFiles(folder: string): Pick<Sources, "locate" | "read"> {
  const own = projectName(folder);
  return {
    locate(fullName) {
      const { project, name } = partsOfName(fullName);
      const place = join(ESC_FOLDER, ...(project === undefined || project === own ? [] : [project]), `${name}.yaml`);
      if (existsSync(join(folder, place))) return place;
      throw new UserError(
        `environment "${fullName}" is not defined here (no file ${place}); add it, or take its name out`,
      );
    },
    read: (place) => parseYaml(readFileSync(join(folder, place), "utf8"), place),
  };
}
