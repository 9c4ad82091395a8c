// What the public API does when user code calls it inside the daemon.

import { startBuiltin } from "./constructors/builtin.js";
import { endProcess } from "./constructors/kill.js";
import { stopSystem } from "./constructors/system.js";
import { clientCommand } from "./control/arguments.js";
import { isProcess } from "./controller/running-value.js";
import { type SupervisorFiles, setRuntime, type UnitOperations } from "./definition/runtime.js";
import type { BuiltinStart, BuiltinStop, RunningValue } from "./definition/types.js";
import { launcher } from "./launch.js";
import type { RotationPolicy } from "./logs/rotation-policy.js";
import { currentRequest } from "./request.js";
import type { System } from "./system.js";
import { currentStart } from "./user-code.js";

/** Log files, as far as user code has to do with them. */
export interface LogAccess {
  rotate(policy: RotationPolicy): Promise<void>;
  /** The files of a service, by its canonical name. */
  files(service: string): readonly string[];
}

/** @param files and `logs` and `units`: absent where there are none, as in unit tests */
export function installRuntime(
  system: System,
  files?: SupervisorFiles,
  logs?: LogAccess,
  units?: UnitOperations,
): void {
  const { registry, supervisor, host } = system;
  const request = () => currentRequest() ?? system.background();
  const { launch, unusedName } = launcher(system);
  setRuntime({
    ...(units === undefined ? {} : { units }),
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
    clientCommand: () => clientCommand(currentRequest()),
    launchService: (definition) => launch(definition, request()),
    unusedServiceName: unusedName,
    updateRunningValue: (name, value) => registry.get(name).updateValue(value),
    triggerTimer: (name) => registry.get(name).trigger(),
    reloadService: (name) => registry.get(name).reload(request()),
    files: () => {
      if (files === undefined) throw new Error("the supervisor's files are not known here");
      return files;
    },
    statistics: () => ({
      serviceNames: registry.size,
      processes: system.processes.pids().size,
      heapUsed: process.memoryUsage().heapUsed,
    }),
    rotateLogs: async (policy) => {
      if (logs === undefined) throw new Error("there are no logs here");
      await logs.rotate(policy);
    },
    logFiles: () => {
      const names = registry.controllers.map(({ name }) => name);
      // Last, as in the Shepherd.
      const ordered = [
        ...names.filter((name) => name !== "root"),
        ...names.filter((name) => name === "root"),
      ];
      return ordered.flatMap((service) => (logs?.files(service) ?? []).map((file) => ({ file, service })));
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
    if (data.kind === "unit") throw new Error("a unit's stop is a service's whole stop");
    if (data.kind === "system") return await stopSystem(host, context, data);
    if (isProcess(value)) await endProcess(host, value, data, (line) => context.say(line));
    return false;
  }
}
