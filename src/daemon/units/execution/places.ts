// Where units have their directories, and where the supervisor keeps what it must know of them until they stop.

import { join } from "node:path";
import {
  type ManagerDirectories,
  systemDirectories,
  userDirectories,
} from "../../../../systemd-compat/manager-directories.js";
import type { Host } from "../../constructors/host.js";

export interface Places extends ManagerDirectories {
  /** What is known of units that run; it vanishes with the boot. Every keeper has another one. */
  readonly own: string;
  /** Whether all that is beside `own` was this supervisor's under earlier keepers, and is nobody's now. */
  readonly ownIsAlone?: boolean;
  /** Files that may tell the system's language, of which the first that there is counts. */
  readonly locale: readonly string[];
  readonly passwd: string;
  readonly group: string;
}

type Surroundings = Pick<Host, "environment" | "markPrefix">;

/** The system's places for root, else the user's own. Several supervisors of a user do not get into each other's way. */
export function placesOf(host: Surroundings, uid = process.geteuid?.() ?? 0): Places {
  const environment = variablesOf(host.environment);
  const directories =
    uid === 0 ? systemDirectories : userDirectories(environment, environment.HOME ?? "/", uid);
  return {
    ...directories,
    own: join(directories.runtime, "shepherd", "units", host.markPrefix),
    locale: ["/etc/locale.conf", "/etc/default/locale"],
    passwd: "/etc/passwd",
    group: "/etc/group",
  };
}

/**
 * The same, but what is known of units is beside the control socket, which no other supervisor has.
 * @param started when the keeper began, by which its directory is told from those of earlier ones
 */
export function placesBeside(socket: string, environment: readonly string[], started: bigint): Places {
  const markPrefix = started.toString(36);
  return {
    ...placesOf({ environment, markPrefix }),
    own: join(`${socket}.units`, markPrefix),
    ownIsAlone: true,
  };
}

function variablesOf(environment: readonly string[]): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(
    environment.map((variable) => {
      const equals = variable.indexOf("=");
      return [variable.slice(0, equals), variable.slice(equals + 1)];
    }),
  );
}
