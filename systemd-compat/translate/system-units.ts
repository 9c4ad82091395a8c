// `systemdUnits`: units of the system as services of a configuration.

import { check, checkFields, checkValue, fail, isRecord } from "../../src/daemon/definition/check.js";
import { fields, isText, listOf } from "../../src/daemon/definition/fields.js";
import { currentLoad } from "../../src/daemon/definition/runtime.js";
import type { ServiceDefinition } from "../../src/daemon/definition/types.js";
import { mangleName } from "../names.js";
import { managerService } from "./manager.js";
import { reservedNames } from "./service-names.js";
import { type Session, sessionFor } from "./session.js";
import { prepareSystem } from "./system.js";
import { translateUnits } from "./translate.js";

/** What `systemdUnits` takes instead of names. */
export interface SystemdUnitsOptions {
  /** Units that are started, by names of which `.service` may be left out. Default: none. */
  readonly units?: readonly string[];
  /**
   * A target that the system is started for, such as `multi-user`: it is started with all that it consists of, and the
   * service `systemd` comes along, by which units are loaded on demand. Where the supervisor is PID 1, generators are run
   * before units are read, and at the first start tmpfiles.d and sysusers.d are applied. Default: none.
   */
  readonly target?: string;
  /** Whether a directive that cannot be applied fails the start of its unit. Default false: `herd status` tells of it. */
  readonly strict?: boolean;
  /** The directory that is taken for `/` while units are looked for. Default `/`. */
  readonly root?: string;
}

const what = "systemdUnits";
const names = listOf<string>("names of units", (value) => isText(value) && value !== "");

const checks = {
  units: names,
  target: check<string>("the name of a target", (value) => isText(value) && value !== ""),
  strict: fields.flag,
  root: fields.absoluteFile,
};

/**
 * The services that units of this system are: those of these names, and all that they require, want or start. They are read
 * from systemd's own directories, unmodified, with drop-ins, masks, aliases and instances of templates. A unit that is
 * wrong, masked or not there is a service too, whose start fails and says why; what else is wrong with units is logged when
 * the configuration comes into force.
 *
 * @example export default defineConfig({ services: systemdUnits(["nginx", "postgresql@15-main"]) })
 * @example export default defineConfig({ services: systemdUnits({ target: "multi-user" }) })
 * @throws DefinitionError where a name cannot be one of a unit, or an option is not what it should be
 */
export async function systemdUnits(
  given: readonly string[] | SystemdUnitsOptions,
): Promise<readonly ServiceDefinition[]> {
  const options = optionsOf(given);
  const { target, strict = false, root = "/" } = options;
  const load = currentLoad();
  if (load !== undefined) load.readsUnits = true;
  const goal = target === undefined ? [] : [fullName(target, "target")];
  const asked = [...(options.units ?? []).map((name) => fullName(name, "service")), ...goal];
  // Generators write units: nothing may have been looked for before.
  const notices = target === undefined ? [] : await prepareSystem(root, load?.purpose);
  load?.notices.push(...notices);
  const session = await sessionFor(root);
  const work = session.queue.then(() => add(session, asked, { boots: target !== undefined, strict }));
  session.queue = work.catch(() => undefined);
  const services = await work;
  if (target === undefined) return services;
  return [...services, managerService({ root, strict })];
}

function optionsOf(given: readonly string[] | SystemdUnitsOptions): SystemdUnitsOptions {
  if (!isRecord(given)) return { units: checkValue({ what }, given as readonly string[], names) };
  const options = checkFields<SystemdUnitsOptions>({ what }, given, checks);
  if (options.units === undefined && options.target === undefined)
    fail({ what }, 'expected a field "units" or "target"');
  return options;
}

function fullName(name: string, suffix: "service" | "target"): string {
  const full = name.startsWith("/") ? undefined : mangleName(name, suffix);
  return full ?? fail({ what }, `expected the name of a unit, got ${JSON.stringify(name)}`);
}

/** Puts units into the session, and gives all that it has of these and of what comes along with them. */
async function add(
  { loader, definitions }: Session,
  asked: readonly string[],
  options: { readonly boots: boolean; readonly strict: boolean },
): Promise<readonly ServiceDefinition[]> {
  const load = currentLoad();
  const known = new Map([...definitions].map(([unit, { provision }]) => [unit, provision]));
  const translation = await translateUnits(loader, { ...options, asked, known, reserved: reservedNames });
  load?.notices.push(...translation.notices);
  for (const [name, definition] of translation.definitions) definitions.set(name, definition);
  // One that an earlier call gave is started all the same.
  const given = translation.asked.flatMap((name) => definitions.get(name) ?? []);
  for (const { provision, autoStart } of given) if (!autoStart) load?.toStart.push(provision[0]);
  return [...new Set([...given, ...translation.definitions.values()])];
}
