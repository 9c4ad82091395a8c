// The second half of the API's core: what user code that runs inside the daemon may ask of the running system, and do to it.
// Shepherd's own services are made with nothing else.

import { checkValue, fail } from "./check.js";
import { fields } from "./fields.js";
import {
  type ClientCommand,
  currentLoad,
  runtime,
  type SupervisorFiles,
  type SupervisorStatistics,
} from "./runtime.js";
import { definitions } from "./service.js";
import type { RunningValue, ServiceDefinition } from "./types.js";

/**
 * The command that is being served: its words, its keywords (such as those of `herd`'s options `-N` and `-d`), and where
 * the client is. Undefined where no client asked, as in a timer. An action's procedure gets the same words and keywords as
 * strings, in which a word `#:name` and a keyword look alike.
 *
 * @throws where the client's keywords are not keywords followed by a value each
 */
export function clientCommand(): ClientCommand | undefined {
  return runtime().clientCommand();
}

/**
 * Registers a transient service and starts it, with what it requires, in one step: whatever becomes of the supervisor, the
 * service is either there and started, or there never was one. Resolves with whether it runs; where it does not it is gone,
 * and the client was told why.
 *
 * @throws where the service is not transient, one of its names is taken, or a requirement is provided by nobody; where its
 * command, environment and options take more than 128 KiB; while a module is loaded; and what its start function throws
 */
export async function launchService(service: ServiceDefinition): Promise<boolean> {
  const of = { what: "launchService" };
  checkValue(of, [service], definitions);
  if (!service.transient) fail(of, `service "${service.provision[0]}": field "transient": expected true`);
  if (currentLoad() !== undefined)
    fail(of, "the module's services are not in force yet; use registerServices and startInTheBackground");
  return await runtime().launchService(service);
}

/** A name `STEM-N` that no service has, nor anything that one has left behind. */
export function unusedServiceName(stem: string): string {
  checkValue({ what: "unusedServiceName" }, stem, fields.name);
  return runtime().unusedServiceName(stem);
}

/**
 * Gives a service that runs another running value, which outlives the supervisor: for an action that changes what `resume`
 * has to know.
 *
 * @throws where there is no such service, it does not run, or its value is a process
 */
export function updateRunningValue(name: string, value: RunningValue): void {
  checkValue({ what: "updateRunningValue" }, name, fields.text);
  runtime().updateRunningValue(name, value);
}

/** Where the supervisor's own programs and its control socket are. */
export function supervisorFiles(): SupervisorFiles {
  return runtime().files();
}

/** How much the supervisor and its keeper hold at present. */
export function supervisorStatistics(): SupervisorStatistics {
  return runtime().statistics();
}
