// The actions of `root` that end the system, now or later. Only PID 1 may do that.

import { readFile } from "node:fs/promises";
import { ActionError, type RootAction } from "./control/dispatch.js";
import type { Ending, KeeperRecord } from "./keeper/types.js";
import type { Request } from "./request.js";
import { endings, parseShutdownTime, type ShutdownSchedule } from "./scheduled-shutdown.js";

export interface EndingOperations {
  readonly keeper: KeeperRecord;
  readonly schedule: ShutdownSchedule;
  shutDown(how: Ending, request: Request): Promise<void>;
}

/** Whether kexec(8) has given the kernel another one to start. */
async function isKernelLoaded(): Promise<boolean> {
  try {
    return (await readFile("/sys/kernel/kexec_loaded", "utf8")).trim() === "1";
  } catch {
    return false; // A kernel that cannot do it does not tell.
  }
}

/** Characters of the message about a shutdown. */
const longestMessage = 1000;

export function endingActions(operations: EndingOperations): readonly RootAction[] {
  /** Only PID 1 may end the system: elsewhere this would be somebody else's machine. */
  const checkMayEnd = (how: Ending): void => {
    if (operations.keeper.init) return;
    throw new ActionError(
      `cannot ${how}: shepherd is not PID 1 here, so the system is not its own; use 'herd stop root' to end it`,
    );
  };
  /** Whether there is a way to end so; where there is not, it is told why, and all goes on. */
  const canEnd = async (how: Ending, request: Request): Promise<boolean> => {
    checkMayEnd(how);
    if (how !== "kexec" || (await isKernelLoaded())) return true;
    request.say("No kexec image loaded; doing nothing.");
    return false;
  };
  const end = (how: Ending) => async (_args: readonly string[], request: Request) => {
    if (!(await canEnd(how, request))) return false;
    await operations.shutDown(how, request);
    return true;
  };

  return [
    {
      name: "halt",
      effect: "repeatable",
      documentation: "Stop everything and halt the system.",
      arity: [0, 0],
      run: end("halt"),
    },
    {
      name: "power-off",
      effect: "repeatable",
      documentation: "Stop everything and turn the system off.",
      arity: [0, 0],
      run: end("power-off"),
    },
    {
      name: "reboot",
      effect: "repeatable",
      documentation: "Stop everything and start the system again.",
      arity: [0, 0],
      run: end("reboot"),
    },
    {
      name: "kexec",
      effect: "repeatable",
      documentation: "Stop everything and start the kernel that was loaded with kexec.",
      arity: [0, 0],
      run: end("kexec"),
    },
    {
      name: "shutdown",
      effect: "repeatable",
      documentation:
        "End the system at TIME, as HOW says (power-off, halt, reboot or kexec): 'shutdown root HOW TIME [MESSAGE...]'.\n" +
        "TIME is 'now', minutes from now such as '+5', or a time of day such as '22:30'. The message goes to the log.",
      arity: [2, Number.POSITIVE_INFINITY],
      run: async ([how, time = "", ...words], request) => {
        const ending = endings.find((one) => one === how);
        if (ending === undefined)
          throw new ActionError(`shutdown: expected one of ${endings.join(", ")}, got "${how ?? ""}"`);
        if (!(await canEnd(ending, request))) return false;
        const now = Date.now() / 1000;
        const when = parseShutdownTime(time, now);
        if (when === undefined)
          throw new ActionError(`shutdown: expected a time as 'now', '+MINUTES' or 'HH:MM', got "${time}"`);
        const message = words.join(" ").slice(0, longestMessage);
        if (when.at > now) operations.schedule.set(ending, when, message, request);
        else {
          if (message !== "") request.say(message);
          await operations.shutDown(ending, request);
        }
        return true;
      },
    },
    {
      name: "cancel-shutdown",
      effect: "repeatable",
      documentation: "Cancel the shutdown that is scheduled, if there is one.",
      arity: [0, 0],
      run: async (_args, request) => {
        request.say(
          operations.schedule.cancel() ? "The shutdown is cancelled." : "There is no shutdown scheduled.",
        );
        return true;
      },
    },
  ];
}
