// A timer unit as clients are told of it: as a timer whose action is to start its unit.

import { serviceNameOf } from "../../../systemd-compat/translate/service-names.js";
import type { TimerValue } from "../../protocol/running-value.js";
import type { RunningValue } from "../definition/types.js";
import { wireEvent } from "../timers/view.js";
import { decode } from "./encoded.js";
import type { UnitTimerState } from "./timer-plan.js";
import type { UnitTimerData } from "./types.js";

export function unitTimerWireValue(data: UnitTimerData): TimerValue {
  const { Elapse = [] } = decode(data.timer);
  const [only] = Elapse;
  // Its reader knows of one calendar event at most; when it elapses next is told besides.
  const event = Elapse.length === 1 && only?.base === "calendar" ? wireEvent(only.event) : undefined;
  return {
    type: "timer",
    ...(event === undefined ? {} : { event }),
    action: { arguments: ["herd", "start", serviceNameOf(data.starts)], directory: "/" },
    processes: [],
    remainingOccurrences: Number.POSITIVE_INFINITY,
    pastRuns: [],
  };
}

export function isUnitTimer(value: RunningValue | undefined): value is UnitTimerState & RunningValue {
  return (
    typeof value === "object" &&
    value !== null &&
    "type" in value &&
    value.type === "unit-timer" &&
    "activated" in value
  );
}
