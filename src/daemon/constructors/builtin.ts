// The built-in constructors by their kind: data, which is begun here and goes on in the next daemon where it was.

import type { BuiltinStart, RunningValue } from "../definition/types.js";
import type { Child } from "../processes.js";
import { finishForkexec, startForkexec } from "./forkexec.js";
import type { Host, StartContext } from "./host.js";
import { startSystem } from "./system.js";

export function startBuiltin(host: Host, context: StartContext, data: BuiltinStart): Promise<RunningValue> {
  switch (data.kind) {
    case "forkexec":
      return startForkexec(host, context, data);
    case "system":
      return startSystem(host, context, data);
  }
}

/**
 * Goes on with a start that an earlier daemon had begun.
 * @param begun the process that it had spawned, dead or alive; undefined where it had not come to that
 * @param elapsed seconds since it began
 */
export function resumeBuiltin(
  host: Host,
  context: StartContext,
  data: BuiltinStart,
  begun: Child | undefined,
  elapsed: number,
): Promise<RunningValue> {
  if (begun === undefined) return startBuiltin(host, context, data);
  switch (data.kind) {
    case "forkexec":
      return finishForkexec(host, context, data, begun, elapsed);
    case "system":
      return startSystem(host, context, data, begun);
  }
}
