// runlevel(8): what invoke-rc.d of Debian asks for. Shepherd has no runlevels; a system that runs is in the usual one.

import { defaultSocketPath } from "../../src/protocol/socket-path.js";
import { Daemon, NoDaemonError } from "./daemon.js";
import type { Surroundings } from "./systemctl.js";

export async function runlevel({ environment, output }: Surroundings): Promise<number> {
  try {
    await new Daemon(defaultSocketPath(environment, 0)).services();
  } catch (error) {
    if (!(error instanceof NoDaemonError)) throw error;
    output.write("unknown\n");
    return 1;
  }
  // N: there was no other one before.
  output.write("N 5\n");
  return 0;
}
