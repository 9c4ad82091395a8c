// The public API's way to the daemon it runs in, and the collector of what a module registers while it is loaded.

import { AsyncLocalStorage } from "node:async_hooks";
import type { Status } from "../controller/state.js";
import type { BuiltinStart, BuiltinStop, RunningValue, ServiceDefinition } from "./types.js";

/** What the daemon does for user code. */
export interface Runtime {
  runStart(data: BuiltinStart): Promise<RunningValue>;
  runStop(data: BuiltinStop, value: RunningValue): Promise<unknown>;
  registerServices(definitions: readonly ServiceDefinition[]): void;
  startInTheBackground(names: readonly string[]): void;
  startService(name: string, args: readonly string[]): Promise<boolean>;
  stopService(name: string, args: readonly string[]): Promise<string[]>;
  lookupService(name: string): ServiceSummary | undefined;
}

/** What `lookupService` tells. */
export interface ServiceSummary {
  readonly name: string;
  readonly status: Status;
  readonly enabled: boolean;
  /** Undefined unless it runs. */
  readonly value: RunningValue | undefined;
}

let installed: Runtime | undefined;

export function setRuntime(runtime: Runtime): void {
  installed = runtime;
}

/** Throws outside a daemon. */
export function runtime(): Runtime {
  if (installed === undefined)
    throw new Error("this can only be called inside shepherd, not by a program of its own");
  return installed;
}

/** What a module registered. */
export interface Collected {
  readonly services: ServiceDefinition[];
  readonly toStart: string[];
}

const collector = new AsyncLocalStorage<Collected>();

/** Runs `body`, which evaluates a module, and keeps what it registers from coming into force by itself. */
export async function collectDuring<T>(body: () => Promise<T>): Promise<Collected & { readonly result: T }> {
  const collected: Collected = { services: [], toStart: [] };
  const result = await collector.run(collected, body);
  return { ...collected, result };
}

/** The module load that the caller is part of. */
export function currentLoad(): Collected | undefined {
  return collector.getStore();
}
