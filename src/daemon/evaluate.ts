// JavaScript that is typed in, by `herd eval` or in the REPL, evaluated in the daemon with the public API in scope. What it
// changes in memory is lost with the daemon.

import { type Context, constants, createContext, runInNewContext, Script } from "node:vm";

/** `herd eval root EXPRESSION`: in a scope of its own. */
export async function evaluate(source: string): Promise<unknown> {
  return await (await Scope.create()).evaluate(source, "eval");
}

/** Variables that last from one input to the next. */
export class Scope {
  readonly #context: Context;

  private constructor(context: Context) {
    this.#context = context;
  }

  static async create(): Promise<Scope> {
    const api: Readonly<Record<string, unknown>> = await import("./api.js");
    const context = createContext(Object.defineProperties({}, hostGlobals()));
    const own = { ...api, console, global: context };
    for (const [name, value] of Object.entries(own)) set(context, name, value);
    return new Scope(context);
  }

  /**
   * Gives the value of an expression, or of the last of several statements; a promise is waited for. Inputs may `await`:
   * then statements give what they `return`, and of their declarations only a single one at the top outlasts the input.
   */
  async evaluate(source: string, name: string): Promise<unknown> {
    // Without a time limit: to interrupt the daemon's own code in the middle would harm more than the keeper's killing it.
    const value: unknown = await compile(source, name).runInContext(this.#context);
    set(this.#context, "_", value);
    return value;
  }
}

function set(context: Context, name: string, value: unknown): void {
  Object.defineProperty(context, name, { value, writable: true, configurable: true, enumerable: false });
}

/** What Node adds to the language; each context has the language's own. */
function hostGlobals(): PropertyDescriptorMap {
  const language = new Set(runInNewContext("Object.getOwnPropertyNames(globalThis)") as string[]);
  const all = Object.entries(Object.getOwnPropertyDescriptors(globalThis));
  return Object.fromEntries(all.filter(([name]) => !language.has(name)));
}

/** Code that means what the input means, if it is well formed. */
interface Form {
  readonly before: string;
  readonly source: string;
  readonly after: string;
}

/** The last form is the one whose mistakes are told. */
function compile(source: string, name: string): Script {
  let failure: unknown;
  for (const { before, source: text, after } of formsOf(source)) {
    try {
      return new Script(`${before}${text}${after}`, {
        filename: name,
        columnOffset: -before.length,
        // Asked for only where it is needed, as Node warns of it.
        ...(/\bimport\s*\(/.test(text)
          ? { importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER }
          : {}),
      });
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

function formsOf(source: string): readonly Form[] {
  if (!needsFunction(source)) {
    const plain = { before: "", source, after: "" };
    // A block would be meant by `{ a: 1 }` otherwise.
    const object = /^\s*\{/.test(source) && !/;\s*$/.test(source);
    return object ? [{ before: "(", source, after: "\n)" }, plain] : [plain];
  }
  const statements = { before: "(async () => {", source, after: "\n})()" };
  const [keyword] = /^\s*(?:const|let|var)\s/.exec(source) ?? [];
  if (keyword === undefined) return [{ before: "(async () => (", source, after: "\n))()" }, statements];
  // `const x = await f()` would be forgotten with the function that may wait: it becomes `(x = await f())`.
  const assignment = source.slice(keyword.length).replace(/;\s*$/, "");
  return [{ before: "(async () => { (", source: assignment, after: "\n); })()" }, statements];
}

/** Whether there is an `await` or `return` that belongs to no function of the input's. */
function needsFunction(source: string): boolean {
  if (!/\b(?:await|return)\b/.test(source)) return false;
  try {
    // The one place in a script where both are refused, instead of `await` being the name of a variable.
    new Script(`(class { static { ${source}\n} })`);
    return false;
  } catch {
    return true;
  }
}
