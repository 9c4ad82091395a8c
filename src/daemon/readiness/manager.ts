// What a service manager above us, such as systemd, is told: through the keeper, which is the process that it started.

import { constants } from "node:os";
import { describeErrno } from "../keeper/errno.js";
import type { Outbox } from "../outbox.js";

type ReloadingMessage = `RELOADING=1\nMONOTONIC_USEC=${bigint}`;

/** That the configuration is read anew, until `READY=1` is said again. A manager passes over what was said before. */
export const reloading = (): ReloadingMessage =>
  `RELOADING=1\nMONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`;

/** Where there is no manager this does nothing; told again, by a next daemon, it means the same. */
export function tellManager(
  outbox: Outbox,
  data: "READY=1" | "STOPPING=1" | ReloadingMessage,
  report: (message: string) => void,
): void {
  outbox.post({ op: "tell-manager", data }).then(
    ([result]) => {
      const { errno = 0, text = "" } = result ?? {};
      if (errno !== 0 && errno !== constants.errno.ENOENT) report(`${text}: ${describeErrno(errno)}`);
    },
    (error: unknown) => report(String(error)),
  );
}
