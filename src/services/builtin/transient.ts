// The service `transient`: runs programs in the background, each as a service of its own (Shepherd manual, "Transient
// Services").

import {
  clientCommand,
  launchService,
  makeForkexecConstructor,
  type ServiceDefinition,
  service,
  shepherdAction,
  unusedServiceName,
  write,
} from "../../daemon/core.js";
import { type ProgramKeywords, parseProgramKeywords } from "./program-keywords.js";

const name = "transient";

/**
 * The service `transient`, whose action `spawn` runs a command as a service that is forgotten when it ends:
 * `herd spawn transient -N job -d /srv -E LEVEL=3 -- make all`. These services require this one, and so end with it. Their
 * environment is shown to nobody.
 */
export function transientService(): ServiceDefinition {
  return service([name], {
    documentation: "Run commands in the background, as transient services.",
    retryable: true,
    actions: [
      shepherdAction({
        name: "spawn",
        documentation:
          "Run the command that follows '--' as a transient service. For example,\n" +
          "'herd spawn transient -N build -d /src -- make all' runs 'make all' in /src as service 'build'.",
        procedure: spawn,
      }),
    ],
  });
}

async function spawn(): Promise<boolean> {
  const given = clientCommand();
  if (given === undefined) throw new Error("spawn: there is no client whose command could be run");
  const { words } = given;
  const options = parseProgramKeywords(given);
  if (words.length === 0 || words[0] === "")
    throw new Error(
      "spawn: a command is missing; usage: herd spawn transient [OPTION...] -- COMMAND [ARG...]",
    );
  console.log(`Spawning transient service for ${write(words)}.`);
  return await launchService(transient(words, options));
}

function transient(command: readonly string[], options: ProgramKeywords): ServiceDefinition {
  const { name: chosen, ...process } = options;
  return service([chosen ?? unusedServiceName(name)], {
    documentation: `Transient service for ${write(command)}.`,
    requirement: [name],
    transient: true,
    start: makeForkexecConstructor(command, process),
  });
}
