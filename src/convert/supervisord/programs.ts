// The programs of a supervisord.conf, each with its processes, and the groups that they are in.

import { isAbsolute, join } from "node:path";
import { isName } from "../../daemon/definition/fields.js";
import { fail, type Place } from "../error.js";
import type { Program } from "../program.js";
import { splitWords } from "../shell-words.js";
import { hasMarks, type Marks } from "../text.js";
import { expand, type Names, parseEnvironment } from "./expansion.js";
import type { Section } from "./ini.js";
import { Options } from "./values.js";

/** What all programs have in common, as [supervisord] says. */
export interface Surroundings {
  readonly here: string;
  readonly user?: string;
  readonly directory?: string;
  readonly mask?: number;
  readonly environment: ReadonlyMap<string, string>;
}

/** A process, before it is known which others come before it. */
export interface Process {
  readonly program: Omit<Program, "after" | "partOf" | "names">;
  readonly name: string;
  /** Where that was said. */
  readonly place: Place;
  /** Its group's, and its own within that: the least is started first. */
  readonly rank: readonly [group: number, own: number];
  /** Of its own log file. */
  readonly rotation?: { readonly bytes: number; readonly files: number };
}

export interface MemberOf {
  readonly name: string;
  /** Undefined for the group that a program is of itself. */
  readonly priority: number | undefined;
}

export const usualPriority = 999;
/** Attempts that a limit can have. */
const mostRetries = 100;

const notHere: ReadonlyMap<string, string> = new Map([
  ["stdout_capture_maxbytes", "not applied: there is no capture mode and there are no events"],
  ["stderr_capture_maxbytes", "not applied: there is no capture mode and there are no events"],
  ["stdout_events_enabled", "not applied: there are no event listeners; herd log -f follows a log"],
  ["stderr_events_enabled", "not applied: there are no event listeners; herd log -f follows a log"],
  ["stdout_syslog", "not applied: the output goes to the service's log"],
  ["stderr_syslog", "not applied: the output goes to the service's log"],
  ["serverurl", "not applied: herd finds the supervisor by its socket, see herd(1)"],
]);

/** @throws ConversionError */
export function processesOf(
  section: Section,
  programName: string,
  group: MemberOf,
  around: Surroundings,
  marks: Marks,
): readonly Process[] {
  const general: Names = { here: around.here, program_name: programName, group_name: group.name };
  const whole = new Options(section, { ...general, process_num: 0, numprocs: 1 }, marks);
  const numprocs = whole.count("numprocs") ?? 1;
  if (numprocs < 1 || numprocs > 1000)
    fail(whole.place("numprocs"), "numprocs: expected a number from 1 to 1000");
  const nameSetting = whole.setting("process_name");
  if (numprocs > 1 && !/%\(process_num\)/.test(nameSetting?.value ?? ""))
    fail(
      whole.place("process_name"),
      "process_name must have %(process_num) in it where numprocs is above 1",
    );
  const first = whole.count("numprocs_start") ?? 0;
  return Array.from({ length: numprocs }, (_, index) => {
    const names: Names = { ...general, process_num: first + index, numprocs };
    const name =
      nameSetting === undefined ? programName : expand(nameSetting.value, names, marks, nameSetting).trim();
    if (hasMarks(name) || !isName(name) || name === "root" || name === "shepherd")
      fail(nameSetting ?? section, `${JSON.stringify(name)} cannot be the name of a service`);
    return processOf(name, group, new Options(section, names, marks), around);
  });
}

function processOf(name: string, group: MemberOf, options: Options, around: Surroundings): Process {
  for (const one of ["numprocs", "numprocs_start", "process_name"]) options.setting(one);
  const priority = options.count("priority") ?? usualPriority;
  const directory = options.text("directory") ?? around.directory;
  if (directory !== undefined && !isAbsolute(directory) && !hasMarks(directory))
    fail(
      options.place("directory"),
      `directory: expected an absolute name, got ${JSON.stringify(directory)}`,
    );
  const mask = options.octal("umask") ?? around.mask;
  const user = options.text("user") ?? around.user;
  const signal = options.signal("stopsignal");
  const own = options.text("environment") ?? "";
  const environment = parseEnvironment(own, options.place("environment"));
  const command = commandOf(options);
  const logs = logsOf(options, around);
  const respawning = respawnOf(options);
  const program: Process["program"] = {
    command: command.words,
    ...(user === undefined ? {} : { user }),
    ...(directory === undefined ? {} : { directory }),
    ...(mask === undefined ? {} : { mask }),
    environment: new Map([...around.environment, ...environment]),
    ...(logs.file === undefined ? {} : { logFile: logs.file }),
    ...(signal === undefined ? {} : { signal }),
    gracePeriod: options.count("stopwaitsecs") ?? 10,
    ...respawning.fields,
    autoStart: options.truth("autostart") ?? true,
    remarks: [
      ...command.remarks,
      ...respawning.remarks,
      ...groupSignals(options),
      ...logs.remarks,
      ...options.rest(notHere),
    ],
  };
  return {
    name,
    place: options.place("process_name"),
    program,
    rank: [group.priority ?? priority, priority],
    ...(logs.rotation === undefined ? {} : { rotation: logs.rotation }),
  };
}

function commandOf(options: Options): Pick<Program, "remarks"> & { readonly words: readonly string[] } {
  const command = options.text("command");
  if (command === undefined) fail(options.section, `[${options.section.name}] has no command`);
  const words = splitWords(command);
  const place = options.place("command");
  if (words === undefined) fail(place, "command: a quotation has no end");
  const [program] = words;
  if (program === undefined) fail(place, "command is empty");
  const isRelative = program.includes("/") && !program.startsWith("/") && !hasMarks(program);
  return {
    words,
    remarks: [
      ...(isRelative
        ? options.remark("command", "differs: a relative program is looked for in the service's directory")
        : []),
      ...(hasMarks(command)
        ? options.remark("command", "differs: a variable in it is part of one word, whatever blanks it has")
        : []),
    ],
  };
}

/** Signals always go to all that a service has started. */
function groupSignals(options: Options): readonly string[] {
  return ["stopasgroup", "killasgroup"].flatMap((name) =>
    options.truth(name) === false
      ? options.remark(name, "differs: signals go to the whole process group of a service")
      : [],
  );
}

function respawnOf(options: Options): {
  readonly fields: Pick<Program, "respawn" | "respawnDelay" | "respawnLimit">;
  readonly remarks: readonly string[];
} {
  const when = options.text("autorestart")?.toLowerCase() ?? "unexpected";
  const codes = options.list("exitcodes").map((code) => {
    if (!/^\d{1,3}$/.test(code))
      fail(options.place("exitcodes"), `exitcodes: expected numbers, got ${JSON.stringify(code)}`);
    return Number(code);
  });
  const expected = codes.length === 0 ? [0] : codes;
  const seconds = options.count("startsecs") ?? 1;
  const retries = options.count("startretries") ?? 3;
  const respawn = when === "unexpected" ? { codes: expected } : options.truth("autorestart") === true;
  if (respawn === false) {
    const left = options.remark(
      "startretries",
      "not applied: it is not respawned, and a start is not repeated",
    );
    return { fields: { respawn }, remarks: left };
  }
  if (seconds === 0) return { fields: { respawn, respawnLimit: false }, remarks: [] };
  const times = Math.min(Math.max(retries, 1), mostRetries);
  const remarks =
    times === retries
      ? []
      : options.remark("startretries", `differs: it is disabled after ${times} quick respawns`);
  // As often as it may end before it has run for `startsecs`, with the pause before each.
  const respawnLimit = { times, seconds: times * (seconds + 1) };
  return { fields: { respawn, respawnDelay: 1, respawnLimit }, remarks };
}

interface Logs extends Pick<Program, "remarks"> {
  readonly file?: string;
  readonly rotation?: Process["rotation"];
}

const streams: readonly string[] = ["/dev/stdout", "/dev/stderr", "/dev/fd/1", "/dev/fd/2"];

/** Both streams are one log here, and each line has its time. */
function logsOf(options: Options, around: Surroundings): Logs {
  const merged = options.truth("redirect_stderr") ?? false;
  const output = options.text("stdout_logfile") ?? "AUTO";
  const errors = options.text("stderr_logfile") ?? "AUTO";
  const bytes = options.size("stdout_logfile_maxbytes") ?? 50 * 2 ** 20;
  const files = options.count("stdout_logfile_backups") ?? 10;
  const errorsSize = ["stderr_logfile_maxbytes", "stderr_logfile_backups"];
  const errorsRemarks = merged
    ? [errors === "AUTO" ? undefined : "stderr_logfile", ...errorsSize].flatMap((name) =>
        name === undefined ? [] : options.remark(name, "without effect: redirect_stderr is set"),
      )
    : errorsSize.flatMap((name) =>
        options.remark(name, "not applied: the standard error goes where the output goes"),
      );
  const isFile = (name: string): boolean =>
    !streams.includes(name) && !["AUTO", "NONE", "SYSLOG"].includes(name.toUpperCase());
  const remarks = [
    ...(merged || errors === output || !(isFile(errors) || /^(?:none|syslog)$/i.test(errors))
      ? []
      : options.remark("stderr_logfile", "not applied: the standard error goes where the output goes")),
    ...(/^(?:none|syslog)$/i.test(output)
      ? options.remark(
          "stdout_logfile",
          "not applied: the output is in the supervisor's log, herd log shows it",
        )
      : []),
    ...errorsRemarks,
  ];
  if (!isFile(output)) return { remarks };
  const isRelative = !isAbsolute(output) && !output.startsWith("\0");
  const file = isRelative ? join(around.directory ?? around.here, output) : output;
  return {
    file,
    remarks: isRelative
      ? [
          ...options.remark(
            "stdout_logfile",
            `differs: it is ${hasMarks(file) ? "below" : file}, whatever supervisord's directory was`,
          ),
          ...remarks,
        ]
      : remarks,
    ...(bytes === 0 ? {} : { rotation: { bytes, files } }),
  };
}
