// Directives of [Timer] and [Path].

import { boolean, mode, timeSpan, triggered } from "../values/basic.js";
import { count } from "../values/process.js";
import { calendarTimer, monotonicTimer, watch } from "../values/triggers.js";
import { core, harmless, into, rare, rareResource } from "./table.js";

export const timerDirectives = {
  OnCalendar: into("Elapse", core(calendarTimer)),
  OnActiveSec: into("Elapse", core(monotonicTimer("active"))),
  OnBootSec: into("Elapse", core(monotonicTimer("boot"))),
  OnStartupSec: into("Elapse", core(monotonicTimer("startup"))),
  OnUnitActiveSec: into("Elapse", core(monotonicTimer("unit-active"))),
  OnUnitInactiveSec: into("Elapse", core(monotonicTimer("unit-inactive"))),
  OnClockChange: rare(boolean),
  OnTimezoneChange: rare(boolean),
  Persistent: core(boolean),
  WakeSystem: harmless(boolean),
  RemainAfterElapse: rare(boolean),
  FixedRandomDelay: rareResource(boolean),
  AccuracySec: rareResource(timeSpan),
  RandomizedDelaySec: core(timeSpan),
  Unit: core(triggered),
};

export const pathDirectives = {
  PathExists: into("Watch", rare(watch("PathExists"))),
  PathExistsGlob: into("Watch", rare(watch("PathExistsGlob"))),
  PathChanged: into("Watch", rare(watch("PathChanged"))),
  PathModified: into("Watch", rare(watch("PathModified"))),
  DirectoryNotEmpty: into("Watch", rare(watch("DirectoryNotEmpty"))),
  Unit: rare(triggered),
  MakeDirectory: rare(boolean),
  DirectoryMode: rare(mode),
  TriggerLimitIntervalSec: rare(timeSpan),
  TriggerLimitBurst: rare(count),
};
