// Why a unit cannot be started here, in words that its start fails with.

import { formatDiagnostic } from "../diagnostics.js";
import { isTemplate } from "../names.js";
import type { Unit } from "../unit.js";
import { isMachinesEnd } from "./standard-targets.js";

/** Undefined where it can be started. */
export function refusalOf(unit: Unit): string | undefined {
  const { full } = unit.name;
  switch (unit.state) {
    case "not-found":
      return `Unit ${full} not found.`;
    case "masked":
      return `Unit ${full} is masked.`;
    case "refused": {
      const reason = unit.diagnostics.find(({ severity }) => severity === "error");
      return reason === undefined ? `Unit ${full} cannot be used.` : formatDiagnostic(reason);
    }
    case "loaded":
      if (isTemplate(unit.name))
        return `Unit ${full} is a template: name an instance of it, such as ${full.replace("@.", "@NAME.")}.`;
      if (isMachinesEnd(full))
        return `Unit ${full} is about the machine as a whole, which no unit ends or suspends here: see herd(1).`;
      if (unit.type === "swap") return `Unit ${full}: swap is the machine's, and is not switched on here.`;
      return undefined;
  }
}
