// The public module `shepherd-ts/systemd`: systemd units as services of a configuration.

export type { CamelCase } from "./translate/camel-case.js";
export { type SystemdUnitsOptions, systemdUnits } from "./translate/system-units.js";
export { type UnitServiceSettings, type UnitSettingValue, unitService } from "./translate/unit-service.js";
