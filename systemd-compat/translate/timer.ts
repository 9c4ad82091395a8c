// A timer unit as the data of its service.

import { encode } from "../../src/daemon/units/encoded.js";
import type { UnitTimerData } from "../../src/daemon/units/types.js";
import type { TimerUnit } from "../unit.js";
import type { Dependencies, TranslationContext, TriggerTranslation } from "./context.js";
import { triggeredUnit } from "./triggers.js";

export function translateTimer(
  unit: TimerUnit,
  context: TranslationContext,
): TriggerTranslation<UnitTimerData> {
  const { timer } = unit;
  const head = context.head(unit);
  return {
    data: {
      ...head,
      kind: "unit-timer",
      timer: encode(timer),
      starts: triggeredUnit(unit),
    },
    implied: clockDependencies(unit),
    diagnostics: [],
  };
}

/** Times on the wall mean something only once the clock is right. */
function clockDependencies({ timer, unit }: TimerUnit): Dependencies {
  const { Elapse = [], OnClockChange = false, OnTimezoneChange = false } = timer;
  const isOfClock = Elapse.some(({ base }) => base === "calendar") || OnClockChange || OnTimezoneChange;
  if (!isOfClock || unit.DefaultDependencies === false) return {};
  return { after: ["time-set.target", "time-sync.target"] };
}
