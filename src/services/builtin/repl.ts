// The service `repl`: a prompt for JavaScript in the running supervisor, on a Unix socket (Shepherd manual, "REPL Service").

import { dirname, join } from "node:path";
import {
  endpoint,
  makeInetdConstructor,
  type ServiceDefinition,
  service,
  supervisorFiles,
} from "../../daemon/core.js";
import { type Checks, check, checkFields } from "../../daemon/definition/check.js";
import { fields } from "../../daemon/definition/fields.js";

export interface ReplOptions {
  /** The socket, an absolute name; default `repl` beside the control socket. */
  readonly path?: string;
  /** How many clients may be connected at a time: 1 to 100; default 10. */
  readonly maxClients?: number;
}

const checks: Checks<ReplOptions> = {
  path: fields.absoluteFile,
  maxClients: check(
    "a number from 1 to 100",
    (value) => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 100,
  ),
};

/**
 * The service `repl`: whoever connects to its socket gets a prompt at which JavaScript is evaluated inside the supervisor,
 * with everything that `shepherd-ts` exports in scope: `socat - UNIX:/run/shepherd/repl`. Only the supervisor's own user
 * may connect, as that is to be able to do anything. Each client is a service `repl-client-N`; its connection outlives the
 * supervisor's death, and its variables do not.
 *
 * @throws DefinitionError where an option is not what it should be
 */
export function replService(options: ReplOptions = {}): ServiceDefinition {
  const { path, maxClients = 10 } = checkFields({ what: "replService" }, options, checks);
  const { controlSocket, node, programs } = supervisorFiles();
  const socket = endpoint(path ?? join(dirname(controlSocket), "repl"), {
    socketPermissions: 0o600,
    socketDirectoryPermissions: 0o700,
  });
  return service(["repl"], {
    documentation: "Evaluate JavaScript inside the supervisor for whoever connects to the socket.",
    start: makeInetdConstructor([node, join(programs, "repl.cjs"), controlSocket], [socket], {
      serviceNameStem: "repl-client",
      maxConnections: maxClients,
    }),
  });
}
