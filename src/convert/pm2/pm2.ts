// A pm2 ecosystem file as a configuration.

import { availableParallelism } from "node:os";
import { basename, dirname, extname, resolve } from "node:path";
import { isName } from "../../daemon/definition/fields.js";
import { block, call, texts } from "../code.js";
import { ConversionError } from "../error.js";
import { moduleText } from "../module.js";
import { type Converted, groupService, type Program, programService } from "../program.js";
import { splitWords } from "../shell-words.js";
import { Marks } from "../text.js";
import { App } from "./fields.js";
import { readEcosystem } from "./read.js";

const general: readonly string[] = [
  "For all applications: there is no message channel to the supervisor (process.send), output and errors are one log, and no address is shared by processes. Relative names are relative to the file's directory.",
];

const notHere: ReadonlyMap<string, string> = new Map([
  ["watch", "not applied: files are not watched; while you work on a program, node --watch does it"],
  ["ignore_watch", "not applied: files are not watched"],
  ["watch_delay", "not applied: files are not watched"],
  ["watch_options", "not applied: files are not watched"],
  ["exp_backoff_restart_delay", "not applied: respawnDelay is the same each time"],
  ["listen_timeout", "not applied: see readiness in docs/readiness.md"],
  [
    "wait_ready",
    "not applied: process.send is not there; sd_notify or a port that answers tell when it is ready, see docs/readiness.md",
  ],
  ["shutdown_with_message", "not applied: it gets a signal"],
  ["log_date_format", "not applied: each line has its time already"],
  ["time", "not applied: each line has its time already"],
  ["merge_logs", "without effect: each process has its own lines, and herd log shows whose they are"],
  ["combine_logs", "without effect: each process has its own lines, and herd log shows whose they are"],
  ["log_type", "not applied: herd log --json prints records"],
  ["pid_file", "not applied: herd status NAME shows the process"],
  ["pid", "not applied: herd status NAME shows the process"],
  ["source_map_support", "not applied: node --enable-source-maps does it"],
  ["disable_source_map_support", "without effect"],
  ["vizion", "without effect: nothing looks at version control"],
  ["automation", "without effect"],
  ["pmx", "without effect"],
  ["treekill", "without effect: all processes of a service are ended"],
  ["force", "without effect: the services of a configuration have different names"],
  [
    "filter_env",
    "not applied: environmentVariables, in place of extraEnvironmentVariables, is the whole environment",
  ],
  ["increment_var", "not applied: environment variables are the same for all instances"],
  ["post_update", "not applied: nothing is updated"],
  ["port", "not applied: set it in env"],
  ["trace", "without effect"],
  ["deep_monitoring", "without effect"],
]);

/** What runs a script, by the end of its name. */
const interpreters: Readonly<Record<string, string>> = {
  ".js": "node",
  ".cjs": "node",
  ".mjs": "node",
  ".sh": "bash",
  ".py": "python3",
  ".rb": "ruby",
  ".pl": "perl",
  ".php": "php",
  ".ts": "bun",
  ".tsx": "bun",
};

/** @throws ConversionError */
export async function convertEcosystem(file: string): Promise<string> {
  const { apps, others } = await readEcosystem(file);
  const marks = new Marks();
  const names = new Set<string>();
  const services = apps.flatMap((fields, index) => {
    const where = `${file}: apps[${index}]`;
    const made = servicesOf(new App(fields, where), dirname(resolve(file)), marks);
    for (const name of made.names) {
      if (names.has(name)) throw new ConversionError(`${where}: there is a service ${name} already`);
      names.add(name);
    }
    return made.services;
  });
  return moduleText({
    head: [
      `Converted from ${file}.`,
      ...general,
      ...others.map((name) => `${file}: ${name}: not converted: only applications are.`),
    ],
    services,
    uses: marks.uses,
  });
}

interface Made {
  readonly names: readonly string[];
  readonly services: readonly Converted[];
}

function servicesOf(app: App, here: string, marks: Marks): Made {
  const script = app.text("script") ?? app.fail("script", "the name of a program");
  const name = app.text("name") ?? basename(script, extname(script));
  if (!isName(name) || name === "root" || name === "shepherd")
    app.fail("name", "what can be the name of a service");
  const instances = instancesOf(app);
  const program = programOf(app, script, here);
  const variable = app.text("instance_var") ?? "NODE_APP_INSTANCE";
  const cron = cronService(app, name);
  if (instances === 1) {
    const environment = new Map([...program.environment, [variable, "0"]]);
    const one = programService({ ...program, environment, names: [name], after: [] }, marks);
    return { names: [name, ...cron.names], services: [one, ...cron.services] };
  }
  const members = Array.from({ length: instances }, (_, index) => `${name}-${index}`);
  const { remarks, ...common } = program;
  const group = groupService({ name, members, autoStart: program.autoStart, remarks });
  const each = members.map((member, index) =>
    programService(
      {
        ...common,
        environment: new Map([...program.environment, [variable, String(index)]]),
        names: [member],
        after: [],
        partOf: name,
        remarks: [],
      },
      marks,
    ),
  );
  return { names: [name, ...members, ...cron.names], services: [group, ...each, ...cron.services] };
}

function instancesOf(app: App): number {
  if (app.value("instances") === "max") return availableParallelism();
  const count = app.count("instances") ?? 1;
  // As many as processors, or so many less.
  const instances = count > 0 ? count : availableParallelism() + count;
  if (instances < 1 || instances > 1000) app.fail("instances", "a number up to 1000, or max");
  return instances;
}

function programOf(app: App, script: string, here: string): Omit<Program, "names" | "after"> {
  const directory = resolve(here, app.text("cwd") ?? "");
  const user = app.text("user", "uid");
  const group = app.text("gid");
  const log = app.text("out_file", "output", "out", "log_file", "log");
  const isFile = log !== undefined && !["/dev/null", "NULL"].includes(log);
  const stopCodes = app.words((given) => given.split(/[\s,]+/), "stop_exit_codes").map(Number);
  if (stopCodes.some((code) => !Number.isInteger(code))) app.fail("stop_exit_codes", "exit codes");
  const respawn = app.truth("autorestart") ?? true;
  const delay = app.seconds("restart_delay") ?? 0;
  const memory = memoryOf(app);
  const restarts = respawnLimitOf(app, delay);
  const command = commandOf(app, script, directory);
  return {
    command: command.words,
    ...(user === undefined ? {} : { user }),
    ...(group === undefined ? {} : { group }),
    directory,
    environment: environmentOf(app),
    ...(isFile ? { logFile: resolve(directory, log.replace(/^~(?=\/)/, process.env.HOME ?? "~")) } : {}),
    signal: "SIGINT",
    gracePeriod: app.seconds("kill_timeout") ?? 1.6,
    respawn: respawn && stopCodes.length > 0 ? { codes: stopCodes } : respawn,
    respawnDelay: delay,
    respawnLimit: restarts.limit,
    ...(memory === undefined ? {} : { memoryMax: memory }),
    autoStart: app.truth("autostart") ?? true,
    remarks: [
      ...command.remarks,
      ...clusterRemarks(app),
      ...restarts.remarks,
      ...app.remark(
        "max_memory_restart",
        "differs: the kernel ends a process at that limit, where there are cgroups, and it is respawned",
      ),
      ...["error_file", "error", "err_file", "err"].flatMap((name) =>
        app.remark(name, "not applied: errors go where the output goes"),
      ),
      ...(log !== undefined && !isFile
        ? app.remark("out_file", "not applied: the output is in the supervisor's log")
        : []),
      ...remarksLater(app),
    ],
  };
}

/** Fields that are asked for elsewhere are known too. */
function remarksLater(app: App): readonly string[] {
  for (const name of ["name", "instances", "exec_mode", "instance_var", "cron_restart", "cron"])
    app.value(name);
  return [
    ...(app.value("namespace") === undefined || app.value("namespace") === "default"
      ? []
      : app.remark("namespace", "not applied: a service that wants others, which are partOf it, is a group")),
    ...app.rest(notHere),
  ];
}

function clusterRemarks(app: App): readonly string[] {
  const mode = app.text("exec_mode") ?? "fork";
  const isCluster = /^cluster/.test(mode);
  const instances =
    app.value("instances") === undefined ? [] : app.remark("instances", "here each is a service");
  if (!isCluster) return instances;
  return [
    ...app.remark(
      "exec_mode",
      "differs: each process listens by itself. Where they are to share a port, have them bind it with reusePort, use node:cluster in one service, or give each a port of its own behind a proxy",
    ),
    ...instances,
  ];
}

function commandOf(
  app: App,
  script: string,
  directory: string,
): { readonly words: readonly string[]; readonly remarks: readonly string[] } {
  const given = app.text("interpreter", "exec_interpreter");
  const flags = app.words(splitWords, "interpreter_args", "interpreterArgs", "node_args");
  const args = app.words(splitWords, "args");
  const found = given ?? interpreters[extname(script).toLowerCase()];
  // A script without a known end is a program, of PATH where there is no slash in it. It may have its arguments in it.
  if (found === undefined || found === "none") {
    const words = given === undefined ? (splitWords(script) ?? [script]) : [script];
    const [program = script, ...more] = words;
    const path = program.includes("/") ? resolve(directory, program) : program;
    return { words: [path, ...more, ...args], remarks: [] };
  }
  const isChosen = given === undefined && found === "bun";
  return {
    words: [
      found.includes("/") ? resolve(directory, found) : found,
      ...flags,
      resolve(directory, script),
      ...args,
    ],
    remarks: isChosen
      ? app.remark("script", "pm2 runs TypeScript with bun; a current node does as well")
      : [],
  };
}

function environmentOf(app: App): ReadonlyMap<string, string> {
  const value = app.value("env");
  if (value === undefined) return new Map();
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return app.fail("env", "an object");
  return new Map(
    Object.entries(value).flatMap(([name, one]: [string, unknown]) => {
      if (one === undefined || one === null) return [];
      const variable = typeof one === "object" ? JSON.stringify(one) : String(one);
      if (name === "" || /[=\0]/.test(name) || variable.includes("\0"))
        app.fail("env", "variables and their values");
      return [[name, variable] as const];
    }),
  );
}

function memoryOf(app: App): string | number | undefined {
  const value = app.value("max_memory_restart");
  if (value === undefined) return undefined;
  const size = String(value).toUpperCase().replace(/B$/, "");
  if (!/^[1-9]\d{0,14}[KMG]?$/.test(size)) return app.fail("max_memory_restart", "a size such as 300M");
  return /\d$/.test(size) ? Number(size) : size;
}

/** pm2 gives up after so many ends in a row, each earlier than `min_uptime`. */
function respawnLimitOf(
  app: App,
  delay: number,
): { readonly limit: NonNullable<Program["respawnLimit"]>; readonly remarks: readonly string[] } {
  const least = app.seconds("min_uptime") ?? 1;
  const most = app.count("max_restarts") ?? 16;
  const times = Math.min(100, Math.max(1, most));
  const seconds = Math.max(1, Math.ceil(times * (least + delay)));
  return {
    limit: { times, seconds },
    remarks:
      times === most
        ? []
        : app.remark("max_restarts", `differs: it is disabled after ${times} quick respawns`),
  };
}

/** A timer that starts it anew. */
function cronService(app: App, name: string): Made {
  const cron = app.text("cron_restart", "cron");
  if (cron === undefined || cron === "0") return { names: [], services: [] };
  if (cron.trim().split(/\s+/).length !== 5) return app.fail("cron_restart", "five fields, as of crontab(5)");
  const shown = JSON.stringify(name);
  const action = `async () => {\n  await stopService(${shown});\n  await startService(${shown});\n}`;
  const schedule = `cronStringToCalendarEvent(${JSON.stringify(cron.trim())})`;
  const start = `makeTimerConstructor(${schedule}, ${action})`;
  return {
    names: [`${name}-restart`],
    services: [
      {
        code: call("service", texts([`${name}-restart`]), block([{ key: "start", value: start }])),
        comments: ["cron_restart: a timer, which starts it also where it was stopped by hand."],
        uses: ["service", "makeTimerConstructor", "cronStringToCalendarEvent", "startService", "stopService"],
      },
    ],
  };
}
