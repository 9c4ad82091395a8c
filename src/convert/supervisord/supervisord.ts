// A supervisord.conf, with the files that it includes, as a configuration.

import { dirname, isAbsolute, resolve } from "node:path";
import { call, record } from "../code.js";
import { ConversionError, fail, type Place, placeText } from "../error.js";
import { moduleText } from "../module.js";
import type { Converted } from "../program.js";
import { readText } from "../read-text.js";
import { hasMarks, Marks } from "../text.js";
import { parseEnvironment } from "./expansion.js";
import { type Found, groupsOf, servicesOf } from "./groups.js";
import { includedBy } from "./includes.js";
import { parseIni, type Section } from "./ini.js";
import { type Process, processesOf, type Surroundings } from "./programs.js";
import { Options } from "./values.js";

const general: readonly string[] = [
  "For all programs: a start has succeeded as soon as the program is executed, whatever startsecs says (docs/readiness.md has what can be waited for). Output and errors are one log, with the time before each line. A stop signals the whole process group. SUPERVISOR_ENABLED and its like are not set. Between respawns it waits 1 second, not 1, 2, 3 and so on.",
];

/** Sections that are no programs. */
const others: ReadonlyMap<string, string> = new Map([
  ["unix_http_server", "shepherd has its own control socket"],
  ["inet_http_server", "nothing listens on TCP: herd -s ssh://HOST/SOCKET goes through ssh"],
  ["supervisorctl", "herd takes its place"],
  ["rpcinterface", "herd --json is for programs"],
  ["eventlistener", "not converted: there are no events; herd log -f follows what happens"],
  [
    "fcgi-program",
    "not converted: makeSystemdConstructor hands a socket to a program, but from descriptor 3 on",
  ],
]);

/** @throws ConversionError */
export async function convertSupervisord(file: string): Promise<string> {
  const marks = new Marks();
  const here = dirname(resolve(file));
  const main = parseIni(await readText(file), file);
  const included = await includedBy(main, here, marks);
  const sections = [...main, ...included.sections];
  const { surroundings, remarks } = surroundingsOf(sections, here, marks);
  const groups = groupsOf(sections, here, marks);
  const found: Found[] = [];
  const left: string[] = [];
  const places = new Map<string, Place>();
  for (const section of sections) {
    const [, kind = section.name, name = ""] = /^([^:]+):(.*)$/.exec(section.name) ?? [];
    const former = places.get(section.name);
    if (former !== undefined) fail(section, `[${section.name}] is in ${placeText(former)} already`);
    places.set(section.name, section);
    if (kind === "program") {
      const group = groups.members.get(name) ?? { name, priority: undefined };
      for (const process of processesOf(section, name, group, surroundings, marks))
        found.push({ process, group });
    } else if (!["supervisord", "group", "include"].includes(kind))
      left.push(
        `${placeText(section)}: [${section.name}]: ${others.get(kind) ?? "not converted: it is unknown"}.`,
      );
  }
  if (found.length === 0) throw new ConversionError(`${file}: there is no [program:NAME] in it`);
  const services = [
    ...servicesOf(found, groups.remarks, marks),
    ...rotationOf(found.map(({ process }) => process)),
  ];
  return moduleText({
    head: [
      `Converted from ${[file, ...included.files].join(", ")}.`,
      ...general,
      ...remarks,
      ...included.remarks,
      ...left,
    ],
    services,
    uses: marks.uses,
  });
}

/** What [supervisord] says of itself. */
const ofTheSupervisor: ReadonlyMap<string, string> = new Map([
  ["nodaemon", "not applied: shepherd stays in the foreground, as PID 1 does"],
  ["logfile", "not applied: shepherd --logfile=FILE; without it the log goes to standard output"],
  ["logfile_maxbytes", "not applied: see docs/log-rotation.md"],
  ["logfile_backups", "not applied: see docs/log-rotation.md"],
  ["loglevel", "not applied: the log has one level"],
  ["pidfile", "not applied: shepherd --pid=FILE"],
  ["childlogdir", "not applied: output without a file of its own is in the supervisor's log"],
  ["minfds", "not applied: resourceLimits of a program has nofile"],
  ["minprocs", "not applied: resourceLimits of a program has nproc"],
  ["nocleanup", "not applied: no log is removed at a start"],
  ["strip_ansi", "not applied: logs have what programs print"],
  ["identifier", "not applied: nothing asks for it"],
]);

function surroundingsOf(
  sections: readonly Section[],
  here: string,
  marks: Marks,
): { readonly surroundings: Surroundings; readonly remarks: readonly string[] } {
  const section = sections.find(({ name }) => name === "supervisord");
  if (section === undefined) return { surroundings: { here, environment: new Map() }, remarks: [] };
  const options = new Options(section, { here }, marks);
  const user = options.text("user");
  const directory = options.text("directory");
  const mask = options.octal("umask");
  const environment = parseEnvironment(options.text("environment") ?? "", options.place("environment"));
  if (directory !== undefined && !hasMarks(directory) && !isAbsolute(directory))
    fail(
      options.place("directory"),
      `directory: expected an absolute name, got ${JSON.stringify(directory)}`,
    );
  return {
    surroundings: {
      here,
      environment,
      ...(user === undefined || user === "root" ? {} : { user }),
      ...(directory === undefined ? {} : { directory }),
      ...(mask === undefined ? {} : { mask }),
    },
    remarks: options.rest(ofTheSupervisor),
  };
}

/** The least that log rotation takes, and the most old files. */
const limits = { bytes: 65_536, files: 1000 } as const;

/** Log files rotate by one rule. */
function rotationOf(processes: readonly Process[]): readonly Converted[] {
  const rules = processes.flatMap(({ rotation }) => (rotation === undefined ? [] : [rotation]));
  if (rules.length === 0) return [];
  const bytes = Math.max(limits.bytes, ...rules.map((one) => one.bytes));
  const files = Math.min(limits.files, Math.max(1, ...rules.map((one) => one.files)));
  const differs = rules.some((one) => one.bytes !== bytes || one.files !== files);
  const options = record([
    { key: "maxSize", value: String(bytes) },
    { key: "keep", value: String(files) },
  ]);
  return [
    {
      code: call("logRotationService", options),
      comments: [
        "stdout_logfile_maxbytes and stdout_logfile_backups: old files are compressed, rotated on Sundays too, and removed after 90 days.",
        ...(differs ? ["Differs: one rule is for all files; these are the greatest of their numbers."] : []),
      ],
      uses: ["logRotationService"],
    },
  ];
}
