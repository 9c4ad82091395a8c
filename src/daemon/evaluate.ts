// `herd eval root EXPRESSION`: JavaScript in the daemon, with the public API in scope. What it changes in memory is
// lost with the daemon.

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

/** The constructor of async functions, which has no name of its own. Unlike a script's, their code may import(). */
const AsyncFunction = (async () => undefined).constructor as new (
  parameters: string,
  body: string,
) => (...values: unknown[]) => Promise<unknown>;

function compile(parameters: string, body: string): (...values: unknown[]) => Promise<unknown> {
  return new AsyncFunction(parameters, body);
}

function isSyntaxError(error: unknown): boolean {
  return error instanceof Error && error.name === "SyntaxError";
}
