// What services inherit: the environment in which the keeper was started, without what is between it and us; a directory.

import { statSync } from "node:fs";

/** The keeper hides this variable from Node, which would read the bundle at every start. */
const saved = "SHEPHERD_SAVED_";

export function inheritedEnvironment(environment: NodeJS.ProcessEnv): string[] {
  const variables: string[] = [];
  for (const [name, value] of Object.entries(environment)) {
    if (name.startsWith(saved)) variables.push(`${name.slice(saved.length)}=${value ?? ""}`);
    else if (!internal.has(name)) variables.push(`${name}=${value ?? ""}`);
  }
  return variables;
}

const internal: ReadonlySet<string> = new Set([
  "SHEPHERD_KEEPER_FD",
  "SHEPHERD_GENERATION",
  "SHEPHERD_RESCUE",
  "NOTIFY_SOCKET",
  "WATCHDOG_USEC",
  "WATCHDOG_PID",
  "FDSTORE",
]);

/** Where services start: `/` for root, else the home directory where it is one, as in the manual. */
export function defaultDirectory({ HOME: home }: NodeJS.ProcessEnv): string {
  return process.getuid?.() === 0 || home === undefined || !isDirectory(home) ? "/" : home;
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
