// `herd eval root EXPRESSION`: JavaScript in the daemon, with the public API in scope. What it changes in memory is
// lost with the daemon.

import { constants, runInThisContext } from "node:vm";

/** Evaluates an expression, or else statements with `return`; both may `await`. */
export async function evaluate(source: string): Promise<unknown> {
  const scope: Readonly<Record<string, unknown>> = await import("./api.js");
  const names = Object.keys(scope);
  const parameters = names.join(", ");
  let compiled: (...values: unknown[]) => Promise<unknown>;
  try {
    compiled = compile(parameters, `return (${source}\n);`);
  } catch (error) {
    if (!isSyntaxError(error)) throw error;
    compiled = compile(parameters, source);
  }
  return await compiled(...names.map((name) => scope[name]));
}

function compile(parameters: string, body: string): (...values: unknown[]) => Promise<unknown> {
  return runInThisContext(`(async (${parameters}) => { ${body}\n})`, {
    filename: "eval",
    // So that an expression may import().
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  }) as (...values: unknown[]) => Promise<unknown>;
}

function isSyntaxError(error: unknown): boolean {
  return error instanceof Error && error.name === "SyntaxError";
}
