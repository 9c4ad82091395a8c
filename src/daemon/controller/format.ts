// A running value as the log prints it.

import { writeSexp, writeString } from "../../protocol/sexp-writer.js";
import { toSexp } from "../control/values.js";
import type { RunningValue } from "../definition/types.js";
import { isProcess } from "./controller.js";

/** A process as the Shepherd prints it, anything else in its written form. */
export function formatValue(value: RunningValue): string {
  if (!isProcess(value)) return writeSexp(toSexp(value));
  return `#<<process> id: ${value.pid} command: (${value.command.map(writeString).join(" ")})>`;
}
