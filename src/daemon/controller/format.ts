// A running value as the log prints it.

import { writeSexp, writeString } from "../../protocol/sexp-writer.js";
import { isSocketsValue } from "../constructors/sockets.js";
import { isSystemLogValue } from "../constructors/system-log.js";
import { toSexp } from "../control/values.js";
import { addressText } from "../definition/endpoint.js";
import type { RunningValue } from "../definition/types.js";
import { isTimer } from "../timers/state.js";
import { isProcess } from "./running-value.js";

/** A process as the Shepherd prints it, anything else in its written form. */
export function formatValue(value: RunningValue): string {
  if (isSocketsValue(value) || isSystemLogValue(value)) {
    const addresses = value.endpoints.map(({ address }) => addressText(address));
    return `#<<${value.type}> endpoints: (${addresses.join(" ")})>`;
  }
  if (isTimer(value)) return `#<timer ${value.service}>`;
  if (!isProcess(value)) return writeSexp(toSexp(value));
  return `#<<process> id: ${value.pid} command: (${value.command.map(writeString).join(" ")})>`;
}
