// A path unit as the data of its service.

import type { UnitPathData } from "../../src/daemon/units/types.js";
import type { PathUnit } from "../unit.js";
import type { TranslationContext, TriggerTranslation } from "./context.js";
import { triggeredUnit } from "./triggers.js";

/** systemd's defaults. */
const defaults = { directoryMode: 0o755, burst: 200, seconds: 2 } as const;

export function translatePath(unit: PathUnit, context: TranslationContext): TriggerTranslation<UnitPathData> {
  const { Watch = [], MakeDirectory = false, DirectoryMode = defaults.directoryMode } = unit.path;
  const { TriggerLimitBurst = defaults.burst, TriggerLimitIntervalSec = defaults.seconds } = unit.path;
  const head = context.head(unit);
  const hasLimit = TriggerLimitBurst > 0 && TriggerLimitIntervalSec > 0;
  return {
    data: {
      ...head,
      kind: "unit-path",
      watches: Watch.map(({ kind, path }) => ({ kind, path })),
      makeDirectory: MakeDirectory,
      directoryMode: DirectoryMode,
      starts: triggeredUnit(unit),
      ...(hasLimit
        ? { triggerLimit: { burst: TriggerLimitBurst, seconds: Math.min(TriggerLimitIntervalSec, 1e9) } }
        : {}),
    },
    implied: {},
    diagnostics: [],
  };
}
