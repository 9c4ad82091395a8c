// The REPL's clients as the daemon sees them: each is a process, of a service of its own, and has a scope that lasts as long
// as both of us live.

import { inspect } from "node:util";
import type { Controller } from "./controller/controller.js";
import { isProcess } from "./controller/running-value.js";
import { errorStack } from "./error-text.js";
import { Scope } from "./evaluate.js";
import type { Processes } from "./processes.js";
import type { Registry } from "./registry/registry.js";
import { runAsUserCode } from "./user-code.js";

/** What a client is to print. */
export interface ReplAnswer {
  readonly outcome: "value" | "error";
  readonly text: string;
  /** Whether the session began with this input: an earlier daemon's variables are gone. */
  readonly fresh: boolean;
}

/** More characters help nobody at a prompt. */
const longestAnswer = 64 * 1024;
const display = { depth: 4, maxStringLength: 10_000, maxArrayLength: 100 } as const;

export class ReplSessions {
  readonly #registry: Registry;
  readonly #processes: Processes;
  /** By the canonical name of the client's service, with which a session ends: there are as many at most. */
  readonly #scopes = new Map<string, Promise<Scope>>();

  constructor(registry: Registry, processes: Processes) {
    this.#registry = registry;
    this.#processes = processes;
  }

  /** @param pid the client's process */
  async evaluate(pid: number, source: string): Promise<ReplAnswer> {
    const client = this.#registry.controllers.find((controller) => this.#hasProcess(controller, pid));
    if (client === undefined)
      throw new Error(`repl-eval: process ${pid} is no client of the REPL: it belongs to no service`);
    const { name } = client;
    const known = this.#scopes.get(name);
    const scope = known ?? Scope.create();
    this.#scopes.set(name, scope);
    const fresh = known === undefined;
    return await runAsUserCode(`REPL session ${name}: ${source}`, undefined, async () => {
      try {
        const value = await (await scope).evaluate(source, "repl");
        return { outcome: "value", text: shortened(inspect(value, display)), fresh };
      } catch (error) {
        return { outcome: "error", text: shortened(ownFrames(errorStack(error))), fresh };
      }
    });
  }

  /** Whether there are any, whose variables are nowhere but here. */
  get areOpen(): boolean {
    return this.#scopes.size > 0;
  }

  forget(service: string): void {
    this.#scopes.delete(service);
  }

  /** Also of a service whose start we do not know to be over yet. */
  #hasProcess({ state }: Controller, pid: number): boolean {
    const { value, processes } = state;
    if (value !== undefined && isProcess(value) && value.pid === pid) return value.id !== "";
    return processes.some(({ id }) => this.#processes.get(id)?.pid === pid);
  }
}

/** Without what of the stack is ours. */
function ownFrames(stack: string): string {
  const lines = stack.split("\n");
  const ours = lines.findIndex((line) => line.includes("(node:vm:"));
  return (ours < 0 ? lines : lines.slice(0, ours)).join("\n");
}

function shortened(text: string): string {
  return text.length > longestAnswer ? `${text.slice(0, longestAnswer)}… (cut)` : text;
}
