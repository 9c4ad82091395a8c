// Why a daemon must not go to sleep: all that only lives, ticks or is under way inside of it.

import type { Controller } from "../controller/controller.js";
import { runningUserCode } from "../user-code.js";
import { whyAttended } from "./attended.js";
import { ownPipes, whyBusy } from "./resources.js";

export interface Wakefulness {
  /** Why only what is data is run. */
  readonly rescue: string | undefined;
  /** Whether a shutdown has begun, or the configuration is to be read anew. */
  readonly isChanging: boolean;
  /** Whether something is still to follow of what has become of services. */
  readonly isFollowing: boolean;
  readonly isRotating: boolean;
  readonly isLogging: boolean;
  readonly isConversing: boolean;
  /** A service whose limit of memory is watched. */
  readonly memoryOf: string | undefined;
  /** How many sockets accept clients. */
  readonly listening: number;
  readonly services: readonly Controller[];
  isLoose(controller: Controller): boolean;
}

/** As the end of a sentence; undefined where nothing is. */
export function whyAwake(of: Wakefulness): string | undefined {
  const code = runningUserCode();
  const whole: readonly (readonly [boolean, string])[] = [
    [of.rescue !== undefined, "rescue mode"],
    [of.isChanging, "the system is being changed as a whole"],
    [of.isFollowing, "something follows of the state of a service"],
    [of.isRotating, "logs are rotated"],
    [!of.isLogging, "the log is not written"],
    [of.isConversing, "a session of the REPL is open"],
    [code !== undefined, `user code runs: ${code ?? ""}`],
    [of.memoryOf !== undefined, `the memory of service ${of.memoryOf ?? ""} is limited, which is watched`],
    [process.cwd() !== startedIn, "its working directory was changed by 'herd cd'"],
  ];
  const found = whole.find(([holds]) => holds);
  if (found !== undefined) return found[1];
  for (const service of of.services) {
    const why = whyAttended(service, of.isLoose(service));
    if (why !== undefined) return why;
  }
  const own = ownPipes(of.listening);
  return whyBusy(process.getActiveResourcesInfo(), own);
}

/** A next daemon starts in the keeper's, as this one. */
const startedIn = process.cwd();
