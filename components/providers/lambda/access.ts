import { LambdaClient, LAMBDA_TIMING, type LambdaAccess, type LambdaTiming } from "./client.ts";
import { PATIENCE, type Lambda, type Patience } from "./instances.ts";

/** Inputs of every resource at Lambda: how it is reached. The key itself is in no state. */
export interface LambdaAccessInputs {
  access: LambdaAccess;
  /** Shorter times, of tests. @default Lambda's own */
  hurry?: Partial<LambdaTiming & Patience> | undefined;
}

export function lambdaOf({ access, hurry }: LambdaAccessInputs): Lambda {
  return {
    client: new LambdaClient(access, { ...LAMBDA_TIMING, ...hurry }),
    patience: { ...PATIENCE, ...hurry },
    log: (line) => void process.stderr.write(`${line}\n`),
  };
}
