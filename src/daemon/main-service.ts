// `shepherd -- COMMAND ARG…`: the command is the container's main service, on the container's own standard streams.

import { carrying } from "./definition/as-data.js";
import { plain } from "./definition/plain.js";
import type { Constructor, Destructor, ForkexecData, ServiceDefinition } from "./definition/types.js";

/** The service that runs the command. */
export const mainService = "main";

/** What its documentation begins with: by this others know that no configuration has it. */
export const mainDocumentation = "The main service of the container: ";

const termination = { kind: "kill", signal: 15, gracePeriod: 10 } as const;

/** @param terminal whether our standard input is a terminal, which the command then shares */
export function mainDefinition(
  command: readonly [string, ...string[]],
  terminal: boolean,
): ServiceDefinition {
  const data: ForkexecData = {
    kind: "forkexec",
    command,
    options: { directory: process.cwd(), createSession: !terminal },
    ownStreams: true,
  };
  return {
    provision: [mainService],
    ...plain,
    start: carrying(data) satisfies Constructor,
    stop: carrying(termination) satisfies Destructor,
    actions: [],
    autoStart: true,
    documentation: `${mainDocumentation}${command.join(" ")}`,
  };
}
