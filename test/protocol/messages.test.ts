// Commands, replies and service expressions, against what GNU Shepherd writes and reads.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  actionException,
  decodeCommand,
  decodeOutcome,
  decodeServerMessage,
  encodeCommand,
  encodeMessage,
  encodeReply,
  ProtocolError,
  type Reply,
} from "../../src/protocol/messages.js";
import type { RunningValue } from "../../src/protocol/running-value.js";
import { decodeService, encodeService, type ServiceStatus } from "../../src/protocol/service-status.js";
import { keyword, type Sexp, sym } from "../../src/protocol/sexp.js";
import { readSexp } from "../../src/protocol/sexp-reader.js";
import { writeSexp } from "../../src/protocol/sexp-writer.js";
import { defaultSocketPath } from "../../src/protocol/socket-path.js";
import { version } from "../../src/protocol/version.js";
import { randomFrom, randomSexp } from "./generate.js";

const plainCommand =
  '(shepherd-command (version 0) (action start) (service web) (arguments ("a" #:log-file "/l")) (directory "/"))';

test("a command is what GNU herd sends", () => {
  const command = decodeCommand(readSexp(plainCommand));
  assert.deepEqual(command, {
    action: sym("start"),
    service: sym("web"),
    arguments: ["a", keyword("log-file"), "/l"],
    directory: "/",
    stream: false,
  });
  assert.equal(encodeCommand(command), plainCommand);
});

test("a client asks for a stream with a word that GNU Shepherd passes over", () => {
  const command = { ...decodeCommand(readSexp(plainCommand)), stream: true };
  const text = encodeCommand(command);
  assert.match(text, /^\(shepherd-command \(version 0 stream\) \(action start\)/);
  assert.deepEqual(decodeCommand(readSexp(text)), command);
});

test("a command may have a name, which must fit into the key of a note", () => {
  const command = { ...decodeCommand(readSexp(plainCommand)), stream: true, id: "a-B_9" };
  const text = encodeCommand(command);
  assert.match(text, /^\(shepherd-command \(version 0 stream \(id "a-B_9"\)\) \(action start\)/);
  assert.deepEqual(decodeCommand(readSexp(text)), command);
  for (const id of ['""', '"a b"', '"a/b"', "a", "7", `"${"a".repeat(65)}"`, '"\\x00;"'])
    assert.equal(decodeCommand(readSexp(text.replace('"a-B_9"', id))).id, undefined, id);
});

test("the outcome of a request", () => {
  assert.equal(decodeOutcome(readSexp("(resumable)")), "resumable");
  for (const text of ["(other)", "resumable", "()", '("done")'])
    assert.equal(decodeOutcome(readSexp(text)), undefined, text);
});

test("commands: more after the version and after the fields is accepted, less is not", () => {
  const accepted = [
    plainCommand.replace("(version 0)", "(version 0 7 foo)"),
    plainCommand.replace(/\)$/, ' (locale "de"))'),
    plainCommand.replace("(action start)", '(action "start")'),
  ];
  for (const text of accepted) assert.doesNotThrow(() => decodeCommand(readSexp(text)), text);
  const refused = [
    plainCommand.replace("(version 0)", "(version 1)"),
    plainCommand.replace("(version 0)", "(version)"),
    plainCommand.replace(' (directory "/")', ""),
    plainCommand.replace("(action start) (service web)", "(service web) (action start)"),
    plainCommand.replace('(directory "/")', "(directory 7)"),
    plainCommand.replace('("a" #:log-file "/l")', "a"),
    "(garbage)",
    "17",
    "()",
  ];
  for (const text of refused) assert.throws(() => decodeCommand(readSexp(text)), ProtocolError, text);
});

test("replies: every error goes out as GNU Shepherd's and comes back", () => {
  const reply = (error: Reply["error"]): Reply => ({
    result: false,
    messages: ["one", "two"],
    ...(error === undefined ? {} : { error }),
  });
  const cases: readonly (readonly [Reply["error"], string])[] = [
    [undefined, "#f"],
    [{ kind: "service-not-found", service: sym("nope") }, "(error (version 0) service-not-found nope)"],
    [
      { kind: "action-not-found", action: "status", service: sym("root") },
      '(error (version 0) action-not-found "status" root)',
    ],
    [
      actionException(sym("eval"), sym("root"), "no"),
      '(error (version 0) action-exception eval root misc-error (#f "~A" ("no") #f))',
    ],
    [{ kind: "service-error" }, "(error (version 0) service-error)"],
    [{ kind: "other", error: [sym("oops")] }, "(oops)"],
  ];
  for (const [error, wire] of cases) {
    const text = encodeReply(reply(error));
    assert.equal(text, `(reply (version 0) (result #f) (error ${wire}) (messages ("one" "two")))`);
    assert.deepEqual(decodeServerMessage(readSexp(text)), { kind: "reply", reply: reply(error) });
  }
});

test("a streamed message", () => {
  const text = encodeMessage('Starting "web"…');
  assert.equal(text, '(message (version 0) "Starting \\"web\\"…")\n');
  assert.deepEqual(decodeServerMessage(readSexp(text)), { kind: "message", line: 'Starting "web"…' });
});

test("what is no message of the protocol is refused, and nothing else is thrown", () => {
  for (let seed = 1; seed <= 500; seed += 1) {
    const random = randomFrom(seed);
    const inner = randomSexp(random, 3);
    const disguised: Sexp[] = [
      inner,
      [sym("reply"), [sym("version"), 0], inner],
      [sym("shepherd-command"), [sym("version"), 0], inner],
    ];
    for (const value of disguised) {
      assert.throws(() => decodeServerMessage(value), ProtocolError);
      assert.throws(() => decodeCommand(value), ProtocolError);
      assert.throws(() => decodeService([sym("service"), [sym("version"), 0], inner]), ProtocolError);
    }
    // Garbage inside a service is the absence of that field.
    const service = [
      sym("service"),
      [sym("version"), 0],
      [sym("provides"), [sym("a")]],
      [sym("running"), inner],
    ];
    assert.equal(decodeService(service).provides[0], "a");
  }
});

const base: ServiceStatus = {
  provides: ["web", "http"],
  requires: ["db"],
  respawn: true,
  documentation: "A web server.",
  enabled: true,
  lastRespawns: [1795207767],
  statusChanges: [
    { status: "running", time: 1795207766 },
    { status: "starting", time: 1795207766 },
  ],
  startupFailures: [],
  status: "running",
  oneShot: false,
  transient: false,
  respawnLimit: { times: 5, seconds: 7 },
  respawnDelay: 0.1,
  actions: ["reload-conf"],
  exitStatuses: [{ status: 256, time: 1795207700 }],
  recentMessages: [{ time: 1795207766, line: "listening" }],
  logFiles: ["/var/log/web.log"],
  pendingReplacement: false,
  extra: new Map<string, Sexp>([["ready-since", 1795207766]]),
};

const endpoint = {
  name: "ctl",
  address: { family: "unix", path: "/run/x" },
  style: 1,
  backlog: 128,
  owner: 0,
  group: 0,
  permissions: 0o600,
  bindAttempts: 5,
} as const;
const values: readonly RunningValue[] = [
  { type: "process", pid: 42, command: ["sleep", "inf"] },
  { type: "process", pid: 42 },
  { type: "inetd-service", endpoints: [endpoint], sockets: [7], command: ["cat"] },
  {
    type: "systemd-service",
    endpoints: [
      { ...endpoint, address: { family: "ipv4", address: 0x7f000001n, port: 80 } },
      { ...endpoint, address: { family: "ipv6", address: 1n, port: 80 } },
    ],
    sockets: [7, 8],
  },
  { type: "system-log", endpoints: [endpoint], kernelLogFile: "/proc/kmsg", sockets: [] },
  {
    type: "timer",
    event: {
      seconds: [0],
      minutes: [0, 30],
      hours: [4],
      daysOfMonth: [1],
      daysOfWeek: [0, 6],
      months: [12],
    },
    action: { arguments: ["true"], user: "nobody", directory: "/" },
    processes: [{ pid: 5, start: 1795207766 }],
    remainingOccurrences: Infinity,
    pastRuns: [
      { status: 256, end: 3, start: 1 },
      { status: "success", end: 3, start: 1 },
      { status: { key: sym("foo"), arguments: [1, "x"] }, end: 3, start: 1 },
    ],
  },
  { type: "other", value: true },
  { type: "other", value: [sym("a"), "b", 3] },
];

test("service expressions come back as they went out, with any running value", () => {
  for (const running of values) {
    const service = { ...base, running };
    assert.deepEqual(decodeService(readSexp(writeSexp(encodeService(service)))), service);
  }
  assert.deepEqual(decodeService(readSexp(writeSexp(encodeService(base)))), base);
});

test("the service expression is GNU Shepherd's, field by field", () => {
  const { extra, ...rest } = base;
  const text = writeSexp(encodeService({ ...rest, extra: new Map(), running: values[0] ?? assert.fail() }));
  assert.equal(extra.size, 1);
  assert.equal(
    text,
    '(service (version 0) (provides (web http)) (requires (db)) (respawn? #t) (docstring "A web server.") ' +
      '(enabled? #t) (running (process (version 0) (id 42) (command ("sleep" "inf")))) (conflicts ()) ' +
      "(last-respawns (1795207767)) (status-changes ((running . 1795207766) (starting . 1795207766))) " +
      "(startup-failures ()) (status running) (one-shot? #f) (transient? #f) (respawn-limit (5 . 7)) " +
      "(respawn-delay 0.1) (actions (reload-conf)) (exit-statuses ((256 . 1795207700))) " +
      '(recent-messages ((1795207766 . "listening"))) (log-files ("/var/log/web.log")) (pending-replacement? #f))',
  );
});

test("an older Shepherd's shorter expression is accepted", () => {
  const old = decodeService(
    readSexp(
      '(service (version 0) (provides (a)) (requires ()) (respawn? #f) (docstring "d") (enabled? #t) (running 17) ' +
        "(conflicts ()) (last-respawns ()) (status-changes ((running . 5))) (startup-failures ()) (status running) " +
        "(one-shot? #f) (transient? #f) (respawn-limit (5 . 7)) (respawn-delay 0.1))",
    ),
  );
  assert.deepEqual(old.running, { type: "other", value: 17 });
  assert.deepEqual([old.actions, old.logFiles, old.pendingReplacement], [[], [], false]);
});

test("socket path", () => {
  assert.equal(defaultSocketPath({ SHEPHERD_SOCKET: "/s", XDG_RUNTIME_DIR: "/x" }, 0), "/s");
  assert.equal(defaultSocketPath({ XDG_RUNTIME_DIR: "/x" }, 0), "/run/shepherd/socket");
  assert.equal(defaultSocketPath({ XDG_RUNTIME_DIR: "/x" }, 1000), "/x/shepherd/socket");
  assert.equal(defaultSocketPath({}, 1000), "/run/user/1000/shepherd/socket");
});

test("the version is package.json's", () => {
  const manifest: unknown = JSON.parse(readFileSync("package.json", "utf8"));
  assert.ok(typeof manifest === "object" && manifest !== null && "version" in manifest);
  assert.equal(version, manifest.version);
});
