// The services that are tortured: what each is, the configuration that defines them, and the program that they run.

import { configuration } from "../support/configuration.js";

export interface Member {
  readonly name: string;
  /**
   * "process": a program; "one-shot": a command that ends; "value": no process; "inetd": one for each connection;
   * "activated": one from the first connection on; "timer": one for each run.
   */
  readonly kind: "process" | "one-shot" | "value" | "inetd" | "activated" | "timer";
  readonly requirement: readonly string[];
  readonly respawn: boolean;
  /** Respawns after which one more end disables it; absent: any number. */
  readonly limit?: number;
  /** Whether the keeper respawns it: without a delay, and without a cgroup. */
  readonly immediate: boolean;
  /** Ignores TERM: only KILL at the end of its grace period ends it. */
  readonly stubborn: boolean;
  readonly transient: boolean;
  /** Has a process in a session of its own, which a stop must end, and the death of its parent does not. */
  readonly scattered: boolean;
  /** The module that has to be loaded for it, or `bySpawn`; absent: the configuration. */
  readonly module?: string;
  /** Its lines go to a file of its own, not to the supervisor's log. */
  readonly ownLog: boolean;
  /** Started by a function, which leaves a line each time it is called. */
  readonly isFunction: boolean;
  /** Whether that may be called once more where a death has interrupted it. */
  readonly retryable: boolean;
  /** Of a timer: when it runs, and the raw wait status of each run. */
  readonly timer?: {
    readonly rhythm: "each second" | "endless" | "triggered";
    readonly outcome: number;
  };
  /** The expression that defines it. */
  readonly definition: string;
}

type Traits = Partial<Omit<Member, "name" | "definition">> & {
  /** The start; default: the program with its log. */
  readonly start?: string;
  readonly stop?: string;
  readonly fields?: string;
};

const program = (name: string, mode: string, options = ""): string =>
  `makeForkexecConstructor(["/bin/sh", "{directory}/member.sh", "${name}", "${mode}"], { ${options} })`;

function member(name: string, traits: Traits = {}): Member {
  const { kind = "process", requirement = [], respawn = false, stubborn = false, transient = false } = traits;
  const { ownLog = true, retryable = false, immediate = false } = traits;
  const log = ownLog ? `logFile: "{directory}/logs/${name}.log"` : "";
  const start = traits.start ?? program(name, stubborn ? "stubborn" : "plain", log);
  const stop = traits.stop ?? `makeKillDestructor({ gracePeriod: ${stubborn ? 1 : 5} })`;
  const limit = traits.limit === undefined ? "false" : `[${traits.limit}, 1000000]`;
  const fields = [
    `requirement: ${JSON.stringify(requirement)}`,
    ...(respawn ? [`respawn: true, respawnDelay: ${immediate ? 0 : 0.02}, respawnLimit: ${limit}`] : []),
    ...(immediate ? ["cgroup: false"] : []),
    ...(transient ? ["transient: true"] : []),
    ...(retryable ? ["retryable: true"] : []),
    ...(kind === "one-shot" ? ["oneShot: true"] : []),
    ...(traits.fields === undefined ? [] : [traits.fields]),
  ];
  return {
    name,
    kind,
    requirement,
    respawn,
    immediate,
    stubborn,
    transient,
    ownLog,
    scattered: traits.scattered ?? false,
    isFunction: traits.isFunction ?? false,
    retryable,
    definition: `service(["${name}"], { start: ${start}, stop: ${stop}, ${fields.join(", ")} })`,
    ...(traits.limit === undefined ? {} : { limit: traits.limit }),
    ...(traits.timer === undefined ? {} : { timer: traits.timer }),
    ...(traits.module === undefined ? {} : { module: traits.module }),
  };
}

const daemonOptions = (name: string): string =>
  `logFile: "{directory}/logs/${name}.log", pidFile: "{directory}/pids/${name}", pidFileTimeout: 3`;

/** It says that it is ready through another program, which is gone at once. */
const readyOptions = (name: string): string =>
  `logFile: "{directory}/logs/${name}.log", readiness: notify(), notifyAccess: "all"`;

/** Started and stopped by functions of the configuration. */
function inFunctions(name: string): Traits {
  const construct = program(name, "plain", `logFile: "{directory}/logs/${name}.log"`);
  return {
    isFunction: true,
    start: `async () => { await effect("${name}"); return await ${construct}(); }`,
    stop: "async (running) => { await makeKillDestructor()(running); return false; }",
  };
}

/** Answers everybody who connects to the socket that it gets with what they say. */
const echoServer = `
const answer = (connection) => connection.once("data", (data) => connection.end(data)).on("error", () => {});
require("node:net").createServer({ allowHalfOpen: true }, answer).listen({ fd: 3 });
`;

/** The file of the system's log. */
export const systemLog = "logs/messages";

/** In place of the module of services that clients have the service `transient` launch. */
export const bySpawn = "herd spawn";

/** Runs the fleet's timed program; what it is run with, the schedule and the options are expressions. */
function timer(rhythm: "each second" | "endless" | "triggered", name: string): Traits {
  const [schedule, mode, options, outcome] = {
    "each second": ["everySecond", "brief", "{}", exitStatus(3)] as const,
    // Each run is ended when its time is over, by TERM.
    endless: ["interval({ seconds: 1 })", "endless", "{ maxDuration: 1 }", 15] as const,
    triggered: ["seldom", "brief", '{ overlap: "allow" }', exitStatus(3)] as const,
  }[rhythm];
  const run = `command(["/bin/sh", "{directory}/timed.sh", "${name}", "${mode}"])`;
  return {
    kind: "timer",
    timer: { rhythm, outcome },
    start: `makeTimerConstructor(${schedule}, ${run}, ${options})`,
    stop: "makeTimerDestructor()",
  };
}

function exitStatus(code: number): number {
  return code << 8;
}

export const fleet: readonly [Member, ...Member[]] = [
  member("plain"),
  member("chatty", { ownLog: false }),
  member("phoenix", { respawn: true }),
  member("limited", { respawn: true, limit: 3 }),
  member("hydra", { respawn: true, immediate: true }),
  member("mayfly", { respawn: true, immediate: true, ownLog: false, limit: 3 }),
  member("once", {
    kind: "one-shot",
    start: 'makeSystemConstructor("echo $SHEPHERD_MARK >>{directory}/lives/once")',
  }),
  member("base"),
  member("middle", { requirement: ["base"], respawn: true }),
  member("leaf", { requirement: ["middle", "once"] }),
  member("daemon", { start: program("daemon", "daemon", daemonOptions("daemon")) }),
  member("undying", { start: program("undying", "daemon", daemonOptions("undying")), respawn: true }),
  member("slow", { start: program("slow", "slow", daemonOptions("slow")) }),
  member("ready", { start: program("ready", "ready", readyOptions("ready")), respawn: true }),
  member("stubborn", { stubborn: true }),
  member("custom", inFunctions("custom")),
  member("revenant", { ...inFunctions("revenant"), respawn: true }),
  member("again", { ...inFunctions("again"), respawn: true, retryable: true }),
  member("family", { start: program("family", "family", 'logFile: "{directory}/logs/family.log"') }),
  member("scattered", {
    scattered: true,
    start: program("scattered", "scattered", 'logFile: "{directory}/logs/scattered.log"'),
  }),
  member("value", { kind: "value", start: "() => true", stop: "() => false" }),
  member("door", {
    kind: "inetd",
    start:
      'makeInetdConstructor(["/bin/sh", "-c", "read line; echo \\"$line\\""], [endpoint("{directory}/sockets/door")])',
  }),
  member("window", {
    kind: "activated",
    start: `makeSystemdConstructor([process.execPath, "-e", ${JSON.stringify(echoServer)}], [endpoint("{directory}/sockets/window")])`,
  }),
  member("ticker", timer("each second", "ticker")),
  member("endless", timer("endless", "endless")),
  member("bell", timer("triggered", "bell")),
  {
    ...member("system-log", { kind: "value" }),
    definition: `systemLogService({
      endpoints: [endpoint("{directory}/sockets/system-log", { style: "datagram" })],
      kernelLogFile: false, rateLimit: false, rules: [{ destination: "{directory}/${systemLog}" }],
    })`,
  },
  {
    ...member("log-rotation", { kind: "value", retryable: true }),
    definition: "logRotationService({ schedule: seldom, keep: 20 })",
  },
  { ...member("transient", { kind: "value" }), definition: "transientService()" },
  member("extra", { module: "other.ts" }),
  member("guest", { module: "guest.ts" }),
  member("job", { module: bySpawn, transient: true, requirement: ["transient"] }),
  member("passing", { module: "passing.ts", transient: true }),
];

/** Those that run by the clock. */
export const timers = fleet.filter(({ kind }) => kind === "timer");

/**
 * What every process of the fleet runs. It tells its life, by the mark that no other life has, in a file that nobody
 * else writes, and then does what it is told on its own FIFO; orders to an earlier life are passed over. It runs no
 * other programs while it lives, so that one process is one service.
 */
const memberProgram = `#!/bin/sh
name=$1
directory={directory}
case $2 in
  daemon)
    (setsid /bin/sh "$directory/member.sh" "$name" child &)
    exit 0
    ;;
  slow)
    (setsid /bin/sh -c 'sleep 0.3; exec /bin/sh "$0" "$1" child' "$directory/member.sh" "$name" &)
    exit 0
    ;;
esac
[ -p "$directory/orders/$name" ] || mkfifo "$directory/orders/$name"
exec 3<>"$directory/orders/$name"
case $2 in
  stubborn) trap '' TERM ;;
  family) (exec sleep 1000000 3>&-) & ;;
  scattered) (exec setsid sleep 1000000 3>&-) & ;;
esac
echo "$SHEPHERD_MARK" >>"$directory/lives/$name"
if [ "$2" = child ]; then
  trap '' HUP
  echo $$ >"$directory/pids/$name.new"
  mv "$directory/pids/$name.new" "$directory/pids/$name"
fi
[ "$2" = ready ] && printf 'READY=1' | "$SENDER" "$NOTIFY_SOCKET"
count=0
while :; do
  read -r mark verb argument <&3 || continue
  [ "$mark" = "$SHEPHERD_MARK" ] || continue
  case $verb in
    flood)
      end=$((count + argument))
      while [ $count -lt $end ]; do
        count=$((count + 1))
        echo "$name $mark $count ----------------------------------------;"
      done
      echo "$mark $count" >>"$directory/counts/$name"
      ;;
    exit)
      trap '' TERM
      exit "$argument"
      ;;
  esac
done
`;

/** What every run of a timer runs: it tells its life, and when it began, in seconds. */
const timedProgram = `#!/bin/sh
echo "$SHEPHERD_MARK $(date +%s)" >>"{directory}/runs/$1"
[ "$2" = endless ] && exec sleep 1000000
exit 3
`;

/** What start functions do that must not be done twice; it takes a moment. */
const helpers = `import { appendFileSync } from "node:fs";
import {
  calendarEvent, command, interval, logRotationService, makeTimerConstructor, makeTimerDestructor, notify, systemLogService,
  transientService,
} from "shepherd-ts";
const everySecond = calendarEvent({ seconds: Array.from({ length: 60 }, (_, second) => second) });
const seldom = calendarEvent({ months: [2], daysOfMonth: [29], hours: [4], minutes: [0] });
const effect = async (name) => {
  appendFileSync("{directory}/effects/" + name, "called\\n");
  await new Promise((resolve) => setTimeout(resolve, 5));
};`;

const definitionsOf = (module: string | undefined): readonly string[] =>
  fleet.filter((one) => one.module === module).map(({ definition }) => definition);

/** Modules that can be loaded beside the configuration. */
export const modules = ["guest.ts", "passing.ts"] as const;
/** Variants of the configuration: a reload makes one of them the only module. */
export const mains = ["config.ts", "other.ts"] as const;
export const config = configuration(definitionsOf(undefined), helpers);
export const files: Readonly<Record<string, string>> = {
  "member.sh": memberProgram,
  "timed.sh": timedProgram,
  "other.ts": configuration([...definitionsOf(undefined), ...definitionsOf("other.ts")], helpers),
  ...Object.fromEntries(modules.map((module) => [module, configuration(definitionsOf(module))])),
};
/** Directories that the fleet writes to. */
export const directories = [
  "orders",
  "lives",
  "counts",
  "pids",
  "logs",
  "effects",
  "sockets",
  "runs",
] as const;

const byName = new Map(fleet.map((one) => [one.name, one]));

export function memberOf(name: string): Member {
  const found = byName.get(name);
  if (found === undefined) throw new Error(`find ${name} in the fleet: it is not there`);
  return found;
}

/** A service and everything that it requires. */
export function withRequirements(name: string): ReadonlySet<string> {
  return new Set([name, ...memberOf(name).requirement.flatMap((other) => [...withRequirements(other)])]);
}

/** A service and everything that requires it. */
export function withDependents(name: string): ReadonlySet<string> {
  return new Set(fleet.filter((other) => withRequirements(other.name).has(name)).map((other) => other.name));
}
