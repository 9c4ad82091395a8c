// What of a unit's directives about its processes has not its whole effect here.

import type { ServiceSettings } from "../../../../systemd-compat/directives.js";
import type { NotApplied, UnitData } from "../types.js";
import { placeOf } from "./failure.js";

export type Shortfall = Pick<NotApplied, "directive" | "extent" | "why">;

/** With the place; nobody noted the line. */
export function located(data: UnitData, { directive, extent, why }: Shortfall): NotApplied {
  const file = placeOf(data);
  return { directive, extent, why, file, line: 0 };
}

/** What is not done by anybody, whatever the kernel is. */
export function shortfallsOf(settings: ServiceSettings): readonly Shortfall[] {
  const terminal = "terminals are neither reset nor hung up";
  const ttyResets = (["TTYReset", "TTYVHangup", "TTYVTDisallocate"] as const).flatMap(
    (directive): Shortfall[] =>
      settings[directive] === true ? [{ directive, extent: "not", why: terminal }] : [],
  );
  const input = settings.StandardInput?.kind;
  const waits: readonly Shortfall[] =
    input === "tty" || input === "tty-force"
      ? [
          {
            directive: "StandardInput",
            extent: "partly",
            why: "the start fails, as with tty-fail, while another session has the terminal",
          },
        ]
      : [];
  const consoles = (["StandardOutput", "StandardError"] as const).flatMap((directive): Shortfall[] => {
    const output = settings[directive];
    return output !== undefined && "console" in output && output.console
      ? [{ directive, extent: "partly", why: "output goes to the log alone" }]
      : [];
  });
  return [...ttyResets, ...waits, ...consoles];
}
