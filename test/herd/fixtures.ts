// Services as GNU Shepherd described them in recorded sessions, and what its herd printed for them.
import type { RunningValue } from "../../src/protocol/running-value.js";
import type { ServiceState, ServiceStatus } from "../../src/protocol/service-status.js";
import { type Sexp, sym } from "../../src/protocol/sexp.js";

/** The tests' time zone is UTC: this is 2026-11-20 20:49:22 there. */
export const START = Date.UTC(2026, 10, 20, 20, 49, 22) / 1000;

export function serviceOf(name: string, fields: Partial<ServiceStatus> = {}): ServiceStatus {
  return {
    provides: [name],
    requires: [],
    respawn: false,
    documentation: "[No description].",
    enabled: true,
    lastRespawns: [],
    statusChanges: [],
    startupFailures: [],
    status: "stopped",
    oneShot: false,
    transient: false,
    respawnLimit: { times: 5, seconds: 7 },
    respawnDelay: 0.1,
    actions: [],
    exitStatuses: [],
    recentMessages: [],
    logFiles: [],
    pendingReplacement: false,
    extra: new Map<string, Sexp>(),
    ...fields,
  };
}

/** A service that came up at `time` with this value. */
export function runningService(name: string, time: number, running: RunningValue): ServiceStatus {
  return serviceOf(name, {
    status: "running",
    statusChanges: changes(["running", time], ["starting", time]),
    running,
  });
}

export function changes(
  ...list: readonly (readonly [ServiceState, number])[]
): ServiceStatus["statusChanges"] {
  return list.map(([status, time]) => ({ status, time }));
}

export const web: ServiceStatus = {
  ...runningService("web", START, {
    type: "process",
    pid: 18,
    command: ["/bin/sh", "-c", "echo listening; echo oops >&2; exec sleep inf"],
  }),
  provides: ["web", "http"],
  requires: ["db"],
  respawn: true,
  actions: ["reload-conf", "refuse", "boom"],
  recentMessages: [
    { time: START, line: "oops" },
    { time: START, line: "listening" },
  ],
  logFiles: ["/tmp/demo"],
};

const endpoint = { style: 1, backlog: 128, owner: 0, group: 0, permissions: 0o600, bindAttempts: 5 };
const everyMinute = Array.from({ length: 60 }, (_, minute) => minute);
const everyDay = {
  daysOfMonth: Array.from({ length: 31 }, (_, day) => day + 1),
  daysOfWeek: [0, 1, 2, 3, 4, 5, 6],
};

export interface Golden {
  readonly service: ServiceStatus;
  readonly now: number;
  readonly history?: number;
  /** Verbatim from the recorded session. */
  readonly text: string;
}

export const goldens: readonly Golden[] = [
  {
    service: web,
    now: START + 2,
    text: `● Status of web:
  It is running since 20:49:22 (2 seconds ago).
  Main PID: 18
  Command: /bin/sh -c "echo listening; echo oops >&2; exec sleep inf"
  It is enabled.
  Provides: web http
  Requires: db
  Custom actions: reload-conf refuse boom
  Will be respawned.
  Log file: /tmp/demo

Recent messages (use '-n' to view more or less):
  2026-11-20 20:49:22 listening
  2026-11-20 20:49:22 oops
`,
  },
  {
    service: serviceOf("init-db", { oneShot: true, statusChanges: changes(["stopped", START]) }),
    now: START,
    text: `● Status of init-db:
  It is stopped (one-shot).
  It is enabled.
  Provides: init-db
  Will not be respawned.
`,
  },
  {
    service: runningService("value", START + 2, { type: "other", value: [sym("a"), "b", 3] }),
    now: START + 3,
    text: `● Status of value:
  It is running since 20:49:24 (1 second ago).
  Running value is (a "b" 3).
  It is enabled.
  Provides: value
  Will not be respawned.
`,
  },
  {
    service: serviceOf("throws", {
      startupFailures: [START + 3],
      statusChanges: changes(["stopped", START + 3]),
    }),
    now: START + 3,
    text: `● Status of throws:
  It is stopped (failing).
  It is enabled.
  Provides: throws
  Will not be respawned.
  Failed to start at 20:49:25 (0 seconds ago).
`,
  },
  {
    service: serviceOf("crasher", {
      enabled: false,
      respawn: true,
      statusChanges: changes(["stopped", START + 5]),
      lastRespawns: [START + 5, START + 4],
      exitStatuses: [5, 4, 4, 4, 4, 4].map((second) => ({ status: 768, time: START + second })),
    }),
    now: START + 7,
    text: `● Status of crasher:
  It is stopped since 20:49:27 (2 seconds ago).
  Process exited with code 3.
  It is disabled.
  Provides: crasher
  Will be respawned.
  Last respawned on 20:49:27 (2 seconds ago).
  Latest exits:
    - 2026-11-20 20:49:26  Process exited with code 3.
    - 2026-11-20 20:49:26  Process exited with code 3.
    - 2026-11-20 20:49:26  Process exited with code 3.
    - 2026-11-20 20:49:26  Process exited with code 3.
    - 2026-11-20 20:49:27  Process exited with code 3.
`,
  },
  {
    service: serviceOf("web", {
      provides: ["web", "http"],
      requires: ["db"],
      respawn: true,
      actions: ["reload-conf", "refuse", "boom"],
      statusChanges: changes(["stopped", START + 11]),
      exitStatuses: [{ status: 15, time: START + 11 }],
    }),
    now: START + 20,
    text: `● Status of web:
  It is stopped since 20:49:33 (9 seconds ago).
  Process terminated with signal 15.
  It is enabled.
  Provides: web http
  Requires: db
  Custom actions: reload-conf refuse boom
  Will be respawned.
`,
  },
  {
    service: {
      ...runningService("app", START + 4, { type: "process", pid: 214, command: ["/usr/bin/sleep", "inf"] }),
      requires: ["web"],
      pendingReplacement: true,
    },
    now: START + 11,
    text: `● Status of app:
  It is running since 20:49:26 (7 seconds ago).
  Main PID: 214
  Command: /usr/bin/sleep inf
  It is enabled.
  Provides: app
  Requires: web
  Replacement pending (restart to upgrade).
  Will not be respawned.
`,
  },
  {
    service: runningService("inet", START + 13, {
      type: "inetd-service",
      endpoints: [
        { ...endpoint, name: "inet", address: { family: "ipv4", address: 0x7f000001n, port: 4567 } },
      ],
      sockets: [17],
      command: ["/bin/cat"],
    }),
    now: START + 13,
    text: `● Status of inet:
  It is running since 20:49:35 (0 seconds ago).
  Inetd-style service listening on 1 endpoint:
    - 127.0.0.1:4567
  Command: /bin/cat
  It is enabled.
  Provides: inet
  Will not be respawned.
`,
  },
  {
    service: runningService("sysd", START + 18, {
      type: "systemd-service",
      endpoints: [
        { ...endpoint, name: "http", address: { family: "ipv4", address: 0x7f000001n, port: 4568 } },
        { ...endpoint, name: "ctl", address: { family: "unix", path: "/tmp/demo" } },
      ],
      sockets: [17, 18],
      command: ["/bin/sh", "-c", "env | grep LISTEN; exec sleep inf"],
    }),
    now: START + 18,
    text: `● Status of sysd:
  It is running since 20:49:40 (0 seconds ago).
  Systemd-style service listening on 2 endpoints:
    - 127.0.0.1:4568 ("http")
    - /tmp/demo ("ctl")
  Command: /bin/sh -c "env | grep LISTEN; exec sleep inf"
  It is enabled.
  Provides: sysd
  Will not be respawned.
`,
  },
  {
    service: {
      ...runningService("cat-1", START + 13, { type: "process", pid: 370, command: ["/bin/cat"] }),
      transient: true,
    },
    now: START + 14,
    text: `● Status of cat-1:
  It is transient, running since 20:49:35 (1 second ago).
  Main PID: 370
  Command: /bin/cat
  It is enabled.
  Provides: cat-1
  Will not be respawned.
`,
  },
  {
    service: {
      ...runningService("tick", Date.UTC(2026, 10, 20, 21, 7, 40) / 1000, {
        type: "timer",
        event: {
          seconds: everyMinute,
          minutes: everyMinute,
          hours: everyMinute.slice(0, 24),
          months: everyMinute.slice(1, 13),
          ...everyDay,
        },
        action: {
          arguments: ["/bin/sh", "-c", "echo tick $$; exit $(( $(date +%s) % 2 ))"],
          directory: "/",
        },
        processes: [],
        remainingOccurrences: Infinity,
        pastRuns: [45, 44, 43].map((second) => ({
          status: second === 44 ? 0 : 256,
          end: Date.UTC(2026, 10, 20, 21, 7, second) / 1000,
          start: Date.UTC(2026, 10, 20, 21, 7, second) / 1000,
        })),
      }),
      actions: ["trigger"],
      logFiles: ["/tmp/demo"],
      recentMessages: [{ time: Date.UTC(2026, 10, 20, 21, 7, 45) / 1000, line: "tick 35" }],
    },
    now: Date.UTC(2026, 10, 20, 21, 7, 45) / 1000,
    history: 2,
    text: `● Status of tick:
  Timed service.
  Awaiting next timer alarm; service active since 21:07:40 (5 seconds ago).
  Periodically running: /bin/sh -c "echo tick $$; exit $(( $(date +%s) % 2 ))"
  It is enabled.
  Provides: tick
  Custom action: trigger
  Will not be respawned.
  Log file: /tmp/demo

Recent runs:
  2026-11-20 21:07:44 Process exited successfully after 0 seconds.
  2026-11-20 21:07:45 Process exited with code 1 after 0 seconds.

Recent messages:
  2026-11-20 21:07:45 tick 35

Upcoming timer alarms:
  21:07:46 (in 1 second)
  21:07:47 (in 2 seconds)
  21:07:48 (in 3 seconds)
  21:07:49 (in 4 seconds)
  21:07:50 (in 5 seconds)
`,
  },
  {
    service: {
      ...runningService("nightly", Date.UTC(2026, 10, 20, 21, 7, 46) / 1000, {
        type: "timer",
        event: {
          seconds: [0],
          minutes: [23],
          hours: [0, 2, 4, 6, 22],
          months: [11],
          daysOfMonth: everyDay.daysOfMonth,
          daysOfWeek: [1, 5],
        },
        action: { arguments: ["/usr/bin/sleep", "100"], user: "nobody", directory: "/" },
        processes: [{ pid: 75, start: Date.UTC(2026, 10, 20, 21, 7, 46) / 1000 }],
        remainingOccurrences: Infinity,
        pastRuns: [],
      }),
      actions: ["trigger"],
    },
    now: Date.UTC(2026, 10, 20, 21, 7, 47) / 1000,
    text: `● Status of nightly:
  Timed service.
  Executing timer action since 21:07:46 (1 second ago).
  Periodically running as "nobody": /usr/bin/sleep 100
  Child process: 75
  It is enabled.
  Provides: nightly
  Custom action: trigger
  Will not be respawned.

Upcoming timer alarms:
  22:23:00 (in 75 minutes)
  Mon Nov 23 00:23:00 2026 (in 2 days)
  Mon Nov 23 02:23:00 2026 (in 2 days)
  Mon Nov 23 04:23:00 2026 (in 2 days)
  Mon Nov 23 06:23:00 2026 (in 2 days)
`,
  },
  {
    service: {
      ...runningService("system-log", Date.UTC(2026, 10, 20, 21, 7, 40) / 1000, {
        type: "system-log",
        endpoints: [
          {
            ...endpoint,
            name: "Unix-domain system log endpoint",
            address: { family: "unix", path: "/tmp/demo" },
          },
        ],
        sockets: [26],
      }),
      provides: ["system-log", "syslogd"],
    },
    now: Date.UTC(2026, 10, 20, 21, 7, 46) / 1000,
    text: `● Status of system-log:
  It is running since 21:07:40 (6 seconds ago).
  System log listening on 1 endpoint:
    - /tmp/demo ("Unix-domain system log endpoint")
  Kernel log file: -
  It is enabled.
  Provides: system-log syslogd
  Will not be respawned.
`,
  },
];
