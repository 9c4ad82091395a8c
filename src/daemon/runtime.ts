// What the public API does when user code calls it inside the daemon.

import { startBuiltin } from "./constructors/builtin.js";
import { endProcess } from "./constructors/kill.js";
import { stopSystem } from "./constructors/system.js";
import { isProcess } from "./controller/running-value.js";
import { setRuntime } from "./definition/runtime.js";
import type { BuiltinStart, BuiltinStop, RunningValue } from "./definition/types.js";
import { currentRequest } from "./request.js";
import type { System } from "./system.js";
import { currentStart } from "./user-code.js";

export function installRuntime(system: System): void {
  const { registry, supervisor, host } = system;
  const request = () => currentRequest() ?? system.background();
  setRuntime({
    runStart,
    runStop,
    registerServices: (definitions) => {
      registry.register(definitions);
    },
    startInTheBackground: (names) => {
      supervisor.startAll(names, request()).catch((error: unknown) => host.report(String(error)));
    },
    startService: (name, args) => supervisor.start(name, args, request()),
    stopService: (name, args) => supervisor.stop(name, args, request()),
    lookupService: (name) => {
      const controller = registry.find(name);
      if (controller === undefined) return undefined;
      const { status, enabled, value } = controller.state;
      return { name: controller.name, status, enabled, value };
    },
  });

  /** A built-in constructor that a start function calls belongs to that start. */
  async function runStart(data: BuiltinStart): Promise<RunningValue> {
    const context = currentStart();
    if (context === undefined) throw new Error("a constructor can only be called while a service starts");
    return await startBuiltin(host, context, data);
  }

  async function runStop(data: BuiltinStop, value: RunningValue): Promise<unknown> {
    const context = currentStart();
    if (context === undefined) throw new Error("a destructor can only be called while a service stops");
    if (data.kind === "system") return await stopSystem(host, context, data);
    if (isProcess(value)) await endProcess(host, value, data, (line) => context.say(line));
    return false;
  }
}
