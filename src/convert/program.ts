// What other supervisors' programs come to, however their files say it: programs and groups of them, as services.

import { block, type Code, call, type Entry, keyOf, list, record, text, texts } from "./code.js";
import type { Marks } from "./text.js";

/** What the module must import or define for a piece of code. */
export type Use =
  | "makeForkexecConstructor"
  | "makeKillDestructor"
  | "service"
  | "logRotationService"
  | "makeTimerConstructor"
  | "cronStringToCalendarEvent"
  | "startService"
  | "stopService"
  | "env"
  | "hostname";

/** A service of the module. */
export interface Converted {
  readonly code: Code;
  /** Above it. */
  readonly comments: readonly string[];
  readonly uses: readonly Use[];
}

/** Texts may have marks in them. */
export interface Program {
  /** The first is the canonical one. */
  readonly names: readonly string[];
  readonly command: readonly string[];
  readonly user?: string;
  readonly group?: string;
  readonly directory?: string;
  readonly mask?: number;
  readonly environment: ReadonlyMap<string, string>;
  readonly logFile?: string;
  readonly signal?: string;
  readonly gracePeriod: number;
  /** `codes`: unless it ends with one of these exit codes. */
  readonly respawn: boolean | { readonly codes: readonly number[] };
  readonly respawnDelay?: number;
  readonly respawnLimit?: { readonly times: number; readonly seconds: number } | false;
  readonly memoryMax?: string | number;
  readonly autoStart: boolean;
  /** Names of services that come before it. */
  readonly after: readonly string[];
  /** The name of its group. */
  readonly partOf?: string;
  /** What differs or has no counterpart. */
  readonly remarks: readonly string[];
}

export interface Group {
  readonly name: string;
  readonly members: readonly string[];
  readonly autoStart: boolean;
  readonly remarks: readonly string[];
}

export function groupService({ name, members, autoStart, remarks }: Group): Converted {
  const entries: Entry[] = [
    { key: "wants", value: texts(members) },
    ...(autoStart ? [] : [{ key: "autoStart", value: "false" }]),
  ];
  return { code: call("service", texts([name]), block(entries)), comments: remarks, uses: ["service"] };
}

export function programService(program: Program, marks: Marks): Converted {
  const { names, after, partOf, signal, gracePeriod, autoStart, memoryMax, remarks } = program;
  const grace = record([{ key: "gracePeriod", value: String(gracePeriod) }]);
  const isUsual = signal === undefined || /^(?:SIG)?TERM$/.test(signal);
  const stop = call("makeKillDestructor", ...(isUsual ? [] : [signalCode(signal)]), grace);
  const entries: Entry[] = [
    ...(after.length === 0 ? [] : [{ key: "after", value: texts(after) }]),
    ...(partOf === undefined ? [] : [{ key: "partOf", value: texts([partOf]) }]),
    { key: "start", value: startCode(program, marks) },
    // What a service without `stop` does.
    ...(isUsual && gracePeriod === 5 ? [] : [{ key: "stop", value: stop }]),
    ...respawnEntries(program),
    ...(memoryMax === undefined
      ? []
      : [{ key: "cgroup", value: record([{ key: "memoryMax", value: numberOrText(memoryMax) }]) }]),
    ...(autoStart ? [] : [{ key: "autoStart", value: "false" }]),
  ];
  const hasStop = entries.some(({ key }) => key === "stop");
  return {
    code: call("service", texts(names), block(entries)),
    comments: remarks,
    uses: ["service", "makeForkexecConstructor", ...(hasStop ? ["makeKillDestructor" as const] : [])],
  };
}

const numberOrText = (value: string | number): Code =>
  typeof value === "number" ? String(value) : text(value);
const signalCode = (name: string): Code => (/^\d+$/.test(name) ? name : text(name));

function startCode(
  { command, user, group, directory, mask, environment, logFile }: Program,
  marks: Marks,
): Code {
  const variables = record(
    [...environment].map(([name, value]) => ({ key: keyOf(name), value: marks.code(value) })),
  );
  const entries: Entry[] = [
    ...(user === undefined ? [] : [{ key: "user", value: accountCode(user, marks) }]),
    ...(group === undefined ? [] : [{ key: "group", value: accountCode(group, marks) }]),
    ...(directory === undefined ? [] : [{ key: "directory", value: marks.code(directory) }]),
    ...(mask === undefined
      ? []
      : [{ key: "fileCreationMask", value: `0o${mask.toString(8).padStart(3, "0")}` }]),
    ...(environment.size === 0 ? [] : [{ key: "extraEnvironmentVariables", value: variables }]),
    ...(logFile === undefined ? [] : [{ key: "logFile", value: marks.code(logFile) }]),
  ];
  const words = list(command.map((word) => marks.code(word)));
  return call("makeForkexecConstructor", words, ...(entries.length === 0 ? [] : [block(entries)]));
}

const accountCode = (name: string, marks: Marks): Code => (/^\d+$/.test(name) ? name : marks.code(name));

function respawnEntries({ respawn, respawnDelay, respawnLimit }: Program): readonly Entry[] {
  if (respawn === false) return [];
  const limit =
    respawnLimit === false || respawnLimit === undefined
      ? "false"
      : record([
          { key: "times", value: String(respawnLimit.times) },
          { key: "seconds", value: String(respawnLimit.seconds) },
        ]);
  return [
    { key: "respawn", value: "true" },
    ...(respawnDelay === undefined ? [] : [{ key: "respawnDelay", value: String(respawnDelay) }]),
    ...(respawnLimit === undefined ? [] : [{ key: "respawnLimit", value: limit }]),
    ...(respawn === true ? [] : [{ key: "terminationHandler", value: handlerCode(respawn.codes) }]),
  ];
}

/** Called when its process has ended by itself. */
function handlerCode(codes: readonly number[]): string {
  const [only, ...more] = codes;
  if (only === undefined) return '() => "respawn"';
  const isExpected =
    more.length === 0 ? `exitCode === ${only}` : `[${codes.join(", ")}].includes(exitCode ?? -1)`;
  return `(_service, { exitCode }) => (${isExpected} ? "stop" : "respawn")`;
}
