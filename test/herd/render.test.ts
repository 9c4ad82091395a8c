// What herd prints for a reply, against recorded sessions of GNU herd.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { upcomingAlarms } from "../../src/herd/render/alarms.js";
import { renderDetail, renderSummary } from "../../src/herd/render/detail.js";
import { eventsOf, renderEvents } from "../../src/herd/render/events.js";
import { describeException } from "../../src/herd/render/exception.js";
import { graphOf, renderGraph } from "../../src/herd/render/graph.js";
import { serviceToJson } from "../../src/herd/render/json.js";
import { renderOverview } from "../../src/herd/render/overview.js";
import { printable } from "../../src/herd/render/printable.js";
import { addressText, commandLine, processEnd } from "../../src/herd/render/service.js";
import { colourful, plain } from "../../src/herd/render/style.js";
import { duration, timeAndAge } from "../../src/herd/render/time.js";
import type { ServiceState, ServiceStatus } from "../../src/protocol/service-status.js";
import { sym } from "../../src/protocol/sexp.js";
import { changes, goldens, runningService, START, serviceOf, web } from "./fixtures.js";

process.env.TZ = "UTC";

const transcriptFile = "../shared/spec/shepherd-transcripts.md";
const transcript = existsSync(transcriptFile) ? readFileSync(transcriptFile, "utf8") : undefined;
const skip = transcript === undefined ? `needs the recorded sessions, ${transcriptFile}` : false;
const options = { style: plain, now: START, history: 5, unicode: true };

test("the detail of a service is GNU herd's, letter by letter", () => {
  for (const { service, now, history, text } of goldens)
    assert.equal(renderDetail(service, { ...options, now, history: history ?? 5 }), text);
});

test("the fixtures are what was recorded", { skip }, () => {
  for (const { text } of goldens) assert.ok(transcript?.includes(text), text);
});

test("a timer's function that is called is told, and no run takes less than no time", () => {
  const status = { key: sym("misc-error"), arguments: [false, "~A", ["no luck"], false] };
  const timer = runningService("tick", START, {
    type: "timer",
    action: "procedure",
    processes: [],
    remainingOccurrences: Number.POSITIVE_INFINITY,
    pastRuns: [{ status, end: START, start: START + 3600 }],
  });
  const shown = (service: ServiceStatus): string => renderDetail(service, { ...options, now: START + 5 });
  assert.match(shown(timer), /Awaiting next timer alarm/);
  assert.match(shown(timer), /Exception thrown after 0 seconds: /);
  const busy = { ...timer, extra: new Map([["function-runs", [START + 2]]]) };
  assert.match(shown(busy), /Executing timer action since \S+ \(3 seconds ago\)/);
});

test("overviews: every recorded one is reproduced from the services it lists", { skip }, () => {
  const recorded = [...(transcript ?? "").matchAll(/^\$ herd status\n((?:Started:\n)[\s\S]*?)\[exit 0\]/gm)];
  assert.ok(recorded.length > 10);
  for (const [, text = ""] of recorded) {
    const services = servicesOfOverview(text).reverse();
    assert.equal(renderOverview(services, { style: plain, now: START }), text);
  }
});

function servicesOfOverview(text: string): ServiceStatus[] {
  const timer = {
    type: "timer",
    action: "procedure",
    processes: [],
    remainingOccurrences: 1,
    pastRuns: [],
  } as const;
  const sections = new Map<string, (name: string) => ServiceStatus>([
    ["Started:", (name) => serviceOf(name, { status: "running" })],
    ["Running timers:", (name) => serviceOf(name, { status: "running", running: timer })],
    ["Starting:", (name) => serviceOf(name, { status: "starting" })],
    ["Stopped:", (name) => serviceOf(name)],
    ["Stopping:", (name) => serviceOf(name, { status: "stopping" })],
    ["One-shot:", (name) => serviceOf(name, { oneShot: true, startupFailures: [1] })],
    ["Failed to start:", (name) => serviceOf(name, { startupFailures: [1] })],
  ]);
  let make = (name: string) => serviceOf(name);
  return text.split("\n").flatMap((line) => {
    make = sections.get(line) ?? make;
    return line.startsWith(" ") ? [make(line.slice(3))] : [];
  });
}

test("event logs: every recorded one is reproduced from its services' histories", { skip }, () => {
  const recorded = [...(transcript ?? "").matchAll(/^\$ herd log\n([\s\S]*?)\[exit 0\]/gm)];
  assert.ok(recorded.length > 1);
  for (const [, text = ""] of recorded) {
    const sorted = (block: string) => block.split("\n").sort().join("\n");
    const rendered = renderEvents(eventsOf(servicesOfLog(text)), plain);
    // Within one second the recording does not tell in which order the daemon listed the services.
    assert.equal(sorted(rendered), sorted(text));
  }
});

function servicesOfLog(text: string): ServiceStatus[] {
  const endings: readonly (readonly [RegExp, ServiceState])[] = [
    [/is running$/, "running"],
    [/is being started$/, "starting"],
    [/is being stopped$/, "stopping"],
    [/is stopped$|failed to start$|is done/, "stopped"],
  ];
  const services = new Map<string, ServiceStatus>();
  for (const line of text.split("\n").filter((candidate) => candidate !== "")) {
    const [, stamp = "", name = "", what = ""] = /^(.*)\tservice (\S+) (.*)$/.exec(line) ?? [];
    const status = endings.find(([pattern]) => pattern.test(what))?.[1] ?? assert.fail(line);
    const known =
      services.get(name) ?? serviceOf(name, { oneShot: text.includes(`service ${name} is done (one-shot)`) });
    const change = { status, time: Date.parse(`${stamp.trim()} UTC`) / 1000 };
    services.set(name, { ...known, statusChanges: [change, ...known.statusChanges] });
  }
  return [...services.values()];
}

test("the ends of services in the event log", () => {
  const services = [
    serviceOf("one", { oneShot: true, statusChanges: changes(["stopped", 2], ["starting", 1]) }),
    serviceOf("bad", { statusChanges: changes(["stopped", 2], ["starting", 1]) }),
    serviceOf("tmp", { transient: true, statusChanges: changes(["stopped", 3], ["running", 2]) }),
    serviceOf("web", { statusChanges: changes(["stopped", 3], ["stopping", 3]) }),
  ];
  assert.deepEqual(
    eventsOf(services).map(({ time, service, event }) => `${time} ${service} ${event}`),
    [
      "1 one starting",
      "1 bad starting",
      "2 one done-one-shot",
      "2 bad failed",
      "2 tmp running",
      "3 tmp done-transient",
      "3 web stopping",
      "3 web stopped",
    ],
  );
});

test("graph", () => {
  const process = { type: "process", pid: 1, command: ["x"] } as const;
  const services = [
    { ...runningService("root", START, process), provides: ["root", "shepherd"] as const },
    serviceOf("init-db", { oneShot: true }),
    { ...runningService("db", START, process), requires: ["init-db"] },
    serviceOf("throws", { startupFailures: [1] }),
    serviceOf("needs-unknown", { requires: ["nonexistent"] }),
    serviceOf("tmp", { transient: true, status: "starting", requires: ["shepherd"] }),
  ];
  assert.equal(
    renderGraph(graphOf(services)),
    `digraph "Service Graph" {
  "root" [shape = box, color = green, fontcolor = black, style = solid];
  "init-db" [shape = circle, color = purple, fontcolor = purple, style = solid];
  "init-db" -> "root";
  "db" [shape = box, color = green, fontcolor = black, style = solid];
  "db" -> "root";
  "db" -> "init-db";
  "throws" [shape = box, color = red, fontcolor = red, style = solid];
  "throws" -> "root";
  "needs-unknown" [shape = box, color = purple, fontcolor = purple, style = solid];
  "needs-unknown" -> "root";
  "needs-unknown" -> "nonexistent";
  "tmp" [shape = box, color = gray, fontcolor = gray, style = dashed];
  "tmp" -> "root";
  "tmp" -> "root";
  "nonexistent" [shape = box, color = red, fontcolor = red, style = dotted];
}
`,
  );
});

test("colours are where GNU herd puts them", () => {
  const colour = { ...options, style: colourful, now: START + 18 };
  assert.equal(
    renderOverview([web, serviceOf("bad", { startupFailures: [1] })], { style: colourful, now: START }),
    "\x1b[1mStarted:\n\x1b[0m + web\n\x1b[1;31mFailed to start:\n\x1b[0m ! bad\n",
  );
  const crash = serviceOf("crash", {
    enabled: false,
    respawn: true,
    statusChanges: changes(["stopped", START]),
    lastRespawns: [START],
    exitStatuses: [{ status: 256, time: START }],
  });
  assert.equal(
    renderSummary(crash, colour),
    "\x1b[1;31m● \x1b[0m\x1b[1mStatus of crash:\n" +
      "\x1b[0m\x1b[1;35m  It is stopped since 20:49:22 (18 seconds ago).\n" +
      "\x1b[0m  \x1b[1;31mProcess exited with code 1.\n" +
      "\x1b[0m\x1b[1;31m  It is disabled.\n" +
      "\x1b[0m  Provides: crash\n  Will be respawned.\n" +
      "\x1b[1;35m  Last respawned on 20:49:22 (18 seconds ago).\n" +
      "\x1b[0m  Latest exit:\n    - 2026-11-20 20:49:22  \x1b[1;31mProcess exited with code 1.\n\x1b[0m",
  );
  assert.ok(renderSummary(web, colour).startsWith("\x1b[1;32m● \x1b[0m\x1b[1mStatus of web:\n\x1b[0m"));
  assert.ok(renderSummary(web, { ...colour, unicode: false }).startsWith("\x1b[1mStatus of web:\n"));
});

test("a service that is long in a transition stands out, and more so after a minute", () => {
  const slow = (age: number) =>
    renderOverview(
      [serviceOf("a", { status: "starting", statusChanges: changes(["starting", START - age]) })],
      { style: colourful, now: START },
    );
  assert.ok(slow(29).endsWith(" ^ a\n"));
  assert.ok(slow(30).endsWith(" ^ \x1b[1;35ma\x1b[0m\n"));
  assert.ok(slow(60).endsWith(" ^ \x1b[1;31ma\x1b[0m\n"));
});

test("times and ages", () => {
  const at = (seconds: number) => timeAndAge(START + seconds, START);
  assert.equal(at(0), "20:49:22 (0 seconds ago)");
  assert.equal(at(-1), "20:49:21 (1 second ago)");
  assert.equal(at(-119), "20:47:23 (119 seconds ago)");
  assert.equal(at(-120), "20:47:22 (2 minutes ago)");
  assert.equal(at(-150), "20:46:52 (2 minutes ago)");
  assert.equal(at(-151), "20:46:51 (3 minutes ago)");
  assert.equal(at(-7199), "18:49:23 (120 minutes ago)");
  assert.equal(at(-7200), "18:49:22 (2 hours ago)");
  assert.equal(at(-48 * 3600), "Wed Nov 18 20:49:22 2026 (2 days ago)");
  assert.equal(at(120), "20:51:22 (in 120 seconds)");
  assert.equal(at(121), "20:51:23 (in 2 minutes)");
  assert.equal(at(30 * 86400), "Sun Dec 20 20:49:22 2026 (in 30 days)");
  assert.equal(duration(179), "179 seconds");
  assert.equal(duration(180), "3 minutes");
  assert.equal(duration(3 * 3600), "3 hours");
});

test("alarms: leap days, impossible dates, skipped hours and hostile events", () => {
  const all = (length: number, first = 0) => Array.from({ length }, (_, index) => index + first);
  const any = {
    seconds: [0],
    minutes: [0],
    hours: [0],
    daysOfMonth: all(31, 1),
    daysOfWeek: all(7),
    months: all(12, 1),
  };
  const dates = (event: typeof any, limit = 5) =>
    upcomingAlarms(event, START, limit).map((time) => new Date(time * 1000).toISOString().slice(0, 10));
  assert.deepEqual(dates({ ...any, daysOfMonth: [29], months: [2] }, 2), ["2028-02-29", "2032-02-29"]);
  assert.deepEqual(dates({ ...any, daysOfMonth: [31], months: [2] }), []);
  assert.deepEqual(dates({ ...any, hours: [-1, 99, NaN] }), []);
  assert.deepEqual(dates({ ...any, daysOfMonth: [13], daysOfWeek: [5] }, 1), ["2027-08-13"]);
  process.env.TZ = "Europe/Berlin";
  const local = upcomingAlarms(
    { ...any, hours: [2], minutes: [30], months: [3], daysOfMonth: [27, 28, 29] },
    START,
    2,
  );
  process.env.TZ = "UTC";
  assert.deepEqual(
    local.map((time) => new Date(time * 1000).toISOString()),
    // At 02:00 on the 28th clocks go forward to 03:00.
    ["2027-03-27T01:30:00.000Z", "2027-03-29T00:30:00.000Z"],
  );
});

test("addresses, command lines, ends of processes", () => {
  const ipv6 = (address: bigint) => addressText({ family: "ipv6", address, port: 80 });
  assert.equal(ipv6(0n), "[::]:80");
  assert.equal(ipv6(1n), "[::1]:80");
  assert.equal(ipv6(0x20010db8n << 96n), "[2001:db8::]:80");
  assert.equal(ipv6((0x20010db8n << 96n) | (5n << 64n) | 1n), "[2001:db8:0:5::1]:80");
  assert.equal(ipv6(0x1000200030004000500060007n), "[0:1:2:3:4:5:6:7]:80");
  assert.equal(commandLine(["/bin/x", "$HOME", "a b", 'q"', "", "(x)"]), '/bin/x $HOME "a b" "q\\""  "(x)"');
  assert.equal(processEnd(0, plain), "Process exited successfully.\n");
  assert.equal(processEnd(9 | 0x80, plain), "Process terminated with signal 9.\n");
  assert.equal(processEnd(0x137f, plain), "Process stopped with signal 19.\n");
});

test("exceptions are told as Guile tells them", () => {
  const tell = (key: string, ...args: Parameters<typeof describeException>[1]) =>
    describeException(sym(key), args);
  assert.equal(
    tell("misc-error", false, "~A ~S", ["x", "#<procedure car (_)>"], false),
    'x "#<procedure car (_)>"',
  );
  assert.equal(
    tell("system-error", "mkdir", "~A", ["No such file or directory"], [2]),
    "In procedure mkdir: No such file or directory",
  );
  assert.equal(
    tell("numerical-overflow", "divide", "Numerical overflow", false, false),
    'Throw to key `numerical-overflow\' with args `("divide" "Numerical overflow" #f #f)\'.',
  );
  assert.equal(tell("misc-error", false, "~a ~~ ~s~%", [1], false), "1 ~ ~s\n");
});

test("control characters do not reach a terminal", () => {
  assert.equal(printable("a\x1b[2J\r\n\tb\x9b\x07é"), "a\\x1b[2J\\x0d\n\tb\\x9b\\x07é");
});

test("a service as JSON is JSON, and holds every field", () => {
  for (const { service } of goldens) {
    const json: unknown = JSON.parse(JSON.stringify(serviceToJson(service)));
    assert.ok(typeof json === "object" && json !== null);
    const keys = [
      "name",
      "provides",
      "status",
      "enabled",
      "running",
      "recentMessages",
      "respawnLimit",
      "extra",
    ];
    for (const key of keys) assert.ok(key in json, key);
  }
});

test("what only our daemon tells: rescue mode, what left the configuration, log trouble", () => {
  const extra = (fields: Readonly<Record<string, string | boolean>>) => ({
    extra: new Map(Object.entries(fields)),
  });
  const full = "write /var/log/web.log: No space left on device";
  const services = [
    serviceOf("root", { status: "running", ...extra({ rescue: "it died 5 times", "log-trouble": "disk" }) }),
    serviceOf("db", extra({ "log-trouble": "disk; the last lines are kept in /run/x" })),
    serviceOf("web", extra({ "obsolete?": true, "log-trouble": full })),
  ];
  assert.equal(
    renderOverview(services, { style: plain, now: START }),
    "Rescue mode is on; 'herd status root' tells why.\nStarted:\n + root\nStopped:\n - db\n - web\nLog trouble: root web\n",
  );
  const [root, , web] = services.map((service) => renderSummary(service, options));
  assert.match(root ?? "", /^● Status of root:\n {2}Rescue mode: it died 5 times\n {2}It is started/);
  assert.match(web ?? "", /\n {2}It is not in the configuration any more, and is removed when it stops\.\n/);
  assert.match(web ?? "", /\n {2}Log trouble: write \/var\/log\/web\.log: No space left on device\n$/);
  const quiet = renderOverview([serviceOf("web")], { style: plain, now: START });
  assert.equal(quiet, "Stopped:\n - web\n");
});
