// JavaScript, because the language host of a policy pack compiles TypeScript with a ts-node of its own, which knows no ES
// modules and cannot be switched off (pulumi/pulumi#4830). What is imported from here is Node's own to strip.
import "./pack.ts";
