// Prepares what all processes of a unit get: who they are, directories, credentials, a log. It is done again by a new
// daemon, and whenever a process is to follow later, with the same result.

import { chmod, lstat, mkdir } from "node:fs/promises";
import { basename, join } from "node:path";
import type { ServiceSettings } from "../../../../systemd-compat/directives.js";
import type { Host } from "../../constructors/host.js";
import { openLog } from "../../constructors/process-spec.js";
import { usesPrivateTmp } from "../../sandbox/confinement.js";
import { decode } from "../encoded.js";
import type { UnitData } from "../types.js";
import { cgroupShortfalls } from "./cgroup.js";
import { confine } from "./confining.js";
import { hasCredentials, makeCredentials, removeCredentials } from "./credentials.js";
import { directoryVariables, makeUnitPlace, unitPlaces } from "./directories.js";
import { readLocale, variablesOf } from "./environment.js";
import { failure, preparing } from "./failure.js";
import { clearFormer } from "./former.js";
import { unitIdentity } from "./identity.js";
import { keepShortfalls } from "./kept-shortfalls.js";
import { schedulingOf } from "./limits.js";
import { codeOf, writeOwn } from "./own-files.js";
import type { Owner } from "./owners.js";
import { type Places, placesOf } from "./places.js";
import { readPowers } from "./powers.js";
import { type KeptRecord, keepRecord, ownDirectory, privateDirectories, readRecord } from "./record.js";
import { located, type Shortfall, shortfallsOf } from "./shortfall.js";
import { inTurn } from "./turns.js";
import type { Preparation, UnitIdentity } from "./types.js";

/**
 * Makes what is not there yet of what a unit's processes need. To be called before the first process of a start, and by
 * every daemon before another one (a stop's, a reload's); what an earlier call has made is found again.
 *
 * @param service the canonical name of its service
 * @param say tells whoever asked for the start what is not as the unit has it
 * @throws StartFailure that names the unit's file, the directive and the reason
 */
export async function prepareUnit(
  host: Host,
  service: string,
  data: UnitData,
  say: (line: string) => void,
  places: Places = placesOf(host),
): Promise<Preparation> {
  return await inTurn(ownDirectory(places, service), () => prepare(host, service, data, say, places));
}

async function prepare(
  host: Host,
  service: string,
  data: UnitData,
  say: (line: string) => void,
  places: Places,
): Promise<Preparation> {
  const settings = decode(data.service);
  const isSystem = (process.geteuid?.() ?? 0) === 0;
  await clearFormer(places, (message) => host.report(message));
  const identity = await unitIdentity(host, service, data, settings, places);
  const owner = isSystem ? ownerOf(identity) : undefined;
  const record = await preparing(data, "note the start", begin(places, service, data.unit, settings));
  await openLog(host, service, logLabel(data, settings), {}, identity);
  const unitDirectories = unitPlaces(settings, places, identity.dynamic);
  for (const place of unitDirectories)
    await preparing(data, `${place.kind}Directory=${place.name}`, makeUnitPlace(place, owner));
  const inherited = variablesOf(host.environment);
  const credentials = hasCredentials(settings)
    ? await preparing(
        data,
        "LoadCredential=",
        makeCredentials(settings, data.unit, places, owner, inherited.get("CREDENTIALS_DIRECTORY")),
      )
    : undefined;
  if (settings.InputData !== undefined)
    await preparing(data, "StandardInputData=", writeOwn(inputFile(places, service), settings.InputData));
  const privateTmp =
    record.privateTmp === undefined
      ? undefined
      : await preparing(data, "PrivateTmp=", makePrivateTmp(places, record.privateTmp));
  const powers = await readPowers(host.keeperPid);
  const scheduling = schedulingOf(settings, powers);
  const sandbox = await confine(host, settings, {
    ...(identity.uid === undefined ? {} : { uid: identity.uid }),
    ...(identity.gid === undefined ? {} : { gid: identity.gid }),
    directories: unitDirectories.map(({ real }) => real),
    readable: credentials === undefined ? [] : [credentials],
    ...(privateTmp === undefined ? {} : { privateTmp }),
  });
  if (sandbox.refusal !== undefined) throw failure(data, sandbox.refusal);
  const shortfalls = [
    ...sandbox.notApplied,
    ...scheduling.notApplied,
    ...cgroupShortfalls(settings),
    ...shortfallsOf(settings),
  ].filter((one) => !isKnown(data, one));
  refuseOrTell(data, shortfalls, record.isNew ? say : () => undefined);
  const notApplied = shortfalls.map((one) => located(data, one));
  await preparing(data, "note what is not applied", keepShortfalls(places, service, notApplied));
  return {
    service,
    data,
    settings,
    places,
    identity,
    invocation: record.invocation,
    inherited,
    locale: await readLocale(places.locale),
    directories: directoryVariables(unitDirectories),
    ...(credentials === undefined ? {} : { credentials }),
    scheduling: scheduling.spec,
    confinement: sandbox.spec,
    notApplied,
    warn: once(data, record.invocation, say),
  };
}

/** Whether it was known before the start, so that nobody need be told of it now. */
function isKnown({ notApplied }: UnitData, { directive, extent }: Shortfall): boolean {
  return notApplied.some((one) => one.directive === directive && one.extent === extent);
}

/** What a start that was never tidied up after has left must not be taken for this one's. */
async function begin(
  places: Places,
  service: string,
  unit: string,
  settings: ServiceSettings,
): Promise<KeptRecord> {
  if ((await readRecord(places, service)) === undefined) await removeCredentials(unit, places);
  return await keepRecord(places, service, unit, usesPrivateTmp(settings));
}

/** The file with what StandardInput=data gives. */
export function inputFile(places: Places, service: string): string {
  return join(ownDirectory(places, service), "input");
}

/** What stands before a unit's lines in the log, where one of its programs has no name of its own for that. */
export function logLabel({ unit }: Pick<UnitData, "unit">, settings: ServiceSettings): string {
  const [first] = settings.ExecStart ?? [];
  return settings.SyslogIdentifier ?? (first === undefined ? unit : basename(first.path));
}

function ownerOf({ uid = 0, gid = 0 }: UnitIdentity): Owner {
  return { uid, gid };
}

/** Nobody else gets to what is in them. What an earlier daemon has made is the same. */
async function makePrivateTmp(
  places: Places,
  name: string,
): Promise<{ readonly tmp: string; readonly varTmp: string }> {
  const [first, second] = privateDirectories(places, name);
  for (const directory of [first, second]) {
    await makeOrFind(directory, 0o700);
    await makeOrFind(join(directory, "tmp"), 0o1777);
  }
  return { tmp: join(first, "tmp"), varTmp: join(second, "tmp") };
}

async function makeOrFind(directory: string, mode: number): Promise<void> {
  try {
    await mkdir(directory, { mode: 0o700 });
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
    const status = await lstat(directory);
    if (!status.isDirectory() || status.uid !== (process.geteuid?.() ?? 0))
      throw new Error(`${directory}: something else than our directory is there`);
  }
  await chmod(directory, mode);
}

/** @throws StartFailure where the unit is to have all that it asks for */
function refuseOrTell(data: UnitData, shortfalls: readonly Shortfall[], say: (line: string) => void): void {
  if (shortfalls.length === 0) return;
  const text = shortfalls.map(({ directive, extent, why }) => {
    return `${directive}= is ${extent === "not" ? "not" : "only partly"} applied: ${why}`;
  });
  if (data.strict) throw failure(data, text.join("; "));
  for (const line of text) say(`${data.unit}: ${line}.`);
}

/** What was said of a unit's start: each of its processes would say it again. */
const saidOf = new WeakMap<UnitData, { readonly invocation: string; readonly lines: Set<string> }>();
const mostLines = 100;

/** Says each line only once for a start, however many processes it is about. */
function once(data: UnitData, invocation: string, say: (line: string) => void): (line: string) => void {
  let said = saidOf.get(data);
  if (said?.invocation !== invocation) {
    said = { invocation, lines: new Set() };
    saidOf.set(data, said);
  }
  const { lines } = said;
  return (line) => {
    if (lines.has(line) || lines.size >= mostLines) return;
    lines.add(line);
    say(line);
  };
}
