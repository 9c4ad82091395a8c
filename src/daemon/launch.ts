// Services that come into being by being started: registered and wanted in one step, and gone when they are over or fail.

import { dataOf } from "./definition/as-data.js";
import type { ServiceDefinition } from "./definition/types.js";
import { encodeNote, longestNote } from "./notes-format.js";
import type { Request } from "./request.js";
import type { System } from "./system.js";

export interface Launcher {
  /** Resolves with whether the service runs; it is gone otherwise. Throws where it cannot be registered. */
  launch(definition: ServiceDefinition, request: Request): Promise<boolean>;
  /** A name `STEM-N` under which there is no service, nor anything left of one. */
  unusedName(stem: string): string;
}

/** Bytes. Half of a note: the service's state, another note, has the command, too. */
const longestDefinition = longestNote / 2;

/** One that the keeper would not keep would run on without a supervisor that knows it. */
function checkKept(definition: ServiceDefinition): void {
  const size = encodeNote(dataOf(definition)).length;
  if (size <= longestDefinition) return;
  throw new Error(
    `service '${definition.provision[0]}': its command, environment and options take ${size} bytes: at most ${longestDefinition} can be kept`,
  );
}

export function launcher(system: System): Launcher {
  const { registry, supervisor, host, outbox } = system;
  let last = 0;

  const launch = async (definition: ServiceDefinition, request: Request): Promise<boolean> => {
    const taken = definition.provision.find((name) => host.offspring.has(name));
    if (taken !== undefined) throw new Error(`service '${taken}' exists already`);
    checkKept(definition);
    if (supervisor.goingDown) throw new Error("shepherd is being stopped: nothing is started any more");
    // No crash may leave a service that was never to be without its start.
    const { controller, started } = outbox.together(() => {
      const [made] = registry.register([{ ...definition, singleStart: true }]);
      if (made === undefined) throw new Error(`service '${definition.provision[0]}' was not registered`);
      return { controller: made, started: supervisor.start(made.name, [], request) };
    });
    try {
      return await started;
    } finally {
      // A requirement of it failed, so that it never came to its own start.
      system.forgetUnstarted(controller);
    }
  };
  const unusedName = (stem: string): string => {
    do last += 1;
    while (host.offspring.has(`${stem}-${last}`));
    return `${stem}-${last}`;
  };
  return { launch, unusedName };
}
