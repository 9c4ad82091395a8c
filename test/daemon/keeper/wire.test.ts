// The codec against an independent reading of docs/keeper-protocol.md: every request, every event, hostile bytes.

import assert from "node:assert/strict";
import { randomBytes, randomInt } from "node:crypto";
import { test } from "node:test";
import { FrameDecoder, frameLimit, WireError } from "../../../src/daemon/keeper/frame.js";
import type { Request } from "../../../src/daemon/keeper/types.js";
import { decodeMessage, encodeHello, encodeRequests, requestType } from "../../../src/daemon/keeper/wire.js";
import { i64, parseFields, parseFrames, type RawFields, type RawItem, rawFields, rawFrame } from "./raw.js";

const bytes = Buffer.from;

/** The fields of a request as tag and hexadecimal value, which compare well. */
function fieldsOf(request: Request): string[][] {
  const { frames, rest } = parseFrames(encodeRequests([request], 7, false));
  assert.equal(rest.length, 0);
  assert.equal(frames.length, 1);
  const [frame] = frames;
  assert.deepEqual([frame?.kind, frame?.flags, frame?.tag], [1, 0, 7]);
  const item = frame?.items[0];
  assert.equal(item?.type, requestType(request));
  return (item?.fields ?? []).map(([tag, value]) => [String(tag), value.toString("hex")]);
}

function expected(fields: RawFields): string[][] {
  return parseFields(rawFields(fields)).map(([tag, value]) => [String(tag), value.toString("hex")]);
}

/** The mounts of a spec, attribute 68. */
const mounts = (...list: readonly RawFields[]): RawFields => list.map((fields) => [68, fields]);

const requests: readonly (readonly [Request, number, RawFields])[] = [
  [
    { op: "adopt", id: "a", pid: 5, start: 6 },
    3,
    [
      [10, "a"],
      [12, 5n],
      [13, 6n],
    ],
  ],
  [
    { op: "adopt", id: "a", pid: 5, start: 6, cgroup: "/sys/fs/cgroup/services/é.service" },
    3,
    [
      [10, "a"],
      [12, 5n],
      [13, 6n],
      [72, "/sys/fs/cgroup/services/é.service"],
    ],
  ],
  [
    { op: "signal-child", id: "é", signal: 15, scope: "cgroup" },
    4,
    [
      [10, "é"],
      [15, 15n],
      [16, 2n],
    ],
  ],
  [
    {
      op: "end-children",
      ids: ["é", "b"],
      signal: 2,
      scope: "group",
      clock: "monotonic",
      at: 5n,
      timers: "stop/",
    },
    33,
    [
      [10, "é"],
      [10, "b"],
      [15, 2n],
      [16, 1n],
      [47, 1n],
      [48, 5n],
      [98, "stop/"],
    ],
  ],
  [
    {
      op: "stand-by",
      child: "a",
      id: "b",
      spec: { arguments: ["x"] },
      through: "n",
      messages: [bytes([1]), bytes([2])],
      after: bytes([3]),
      place: 4,
    },
    34,
    [
      [99, "a"],
      [10, "b"],
      [11, [[2, "x"]]],
      [43, "n"],
      [44, bytes([1])],
      [44, bytes([2])],
      [100, bytes([3])],
      [101, 4n],
    ],
  ],
  [{ op: "stand-down", child: "a" }, 35, [[99, "a"]]],
  [
    { op: "signal-process", pid: 9, start: 8, signal: 0 },
    5,
    [
      [12, 9n],
      [13, 8n],
      [15, 0n],
    ],
  ],
  [
    { op: "pipe", name: "p", uid: 1, gid: 2 },
    6,
    [
      [20, "p"],
      [21, 1n],
      [22, 2n],
    ],
  ],
  [{ op: "pipe", name: "p" }, 6, [[20, "p"]]],
  [
    {
      op: "listen",
      name: "l",
      family: "ipv6",
      address: "::1",
      port: 80,
      type: "stream",
      backlog: 4,
      mode: 0o600,
      uid: 1,
      gid: 2,
      reusePort: true,
      v6Only: false,
      slot: 10,
      daemon: true,
      directoryMode: 0o700,
      freeBind: true,
      transparent: true,
      interface: "lo",
      protocol: 262,
    },
    7,
    [
      [20, "l"],
      [23, 10n],
      [24, "::1"],
      [25, 80n],
      [26, 1n],
      [27, 4n],
      [28, 0o600n],
      [21, 1n],
      [22, 2n],
      [29, 1n],
      [30, 0n],
      [31, 10n],
      [32, 1n],
      [33, 0o700n],
      [85, 1n],
      [86, 1n],
      [87, "lo"],
      [88, 262n],
    ],
  ],
  [
    {
      op: "listen",
      name: "l",
      family: "unix",
      address: "@x",
      type: "seqpacket",
      reusePort: false,
      daemon: false,
    },
    7,
    [
      [20, "l"],
      [23, 1n],
      [24, "@x"],
      [26, 5n],
    ],
  ],
  [
    { op: "socket-pair", name: "a", peer: "b", type: "datagram" },
    8,
    [
      [20, "a"],
      [34, "b"],
      [26, 2n],
    ],
  ],
  [
    { op: "memory-file", name: "m", size: 4096 },
    9,
    [
      [20, "m"],
      [35, 4096n],
    ],
  ],
  [
    { op: "open", name: "o", path: "/x", flags: 66, mode: 0o644 },
    10,
    [
      [20, "o"],
      [24, "/x"],
      [36, 66n],
      [28, 0o644n],
    ],
  ],
  [
    { op: "notify-socket", name: "n", path: "@n", mode: 0o666, uid: 3, gid: 4 },
    11,
    [
      [20, "n"],
      [24, "@n"],
      [28, 0o666n],
      [21, 3n],
      [22, 4n],
    ],
  ],
  [
    { op: "close", name: "c", unlink: true },
    12,
    [
      [20, "c"],
      [37, 1n],
    ],
  ],
  [{ op: "close", name: "c", unlink: false }, 12, [[20, "c"]]],
  [
    { op: "watch", name: "w", on: false },
    13,
    [
      [20, "w"],
      [38, 0n],
    ],
  ],
  [
    { op: "watch", name: "w", on: true },
    13,
    [
      [20, "w"],
      [38, 1n],
    ],
  ],
  [
    { op: "accept", name: "a", connection: "c" },
    14,
    [
      [20, "a"],
      [39, "c"],
    ],
  ],
  [
    { op: "pass", through: "t", names: ["x", "y"], data: bytes([0, 255]) },
    15,
    [
      [43, "t"],
      [20, "x"],
      [20, "y"],
      [44, bytes([0, 255])],
    ],
  ],
  [
    { op: "put-note", key: "k", value: bytes([0]) },
    16,
    [
      [45, "k"],
      [46, bytes([0])],
    ],
  ],
  [{ op: "delete-note", key: "k" }, 17, [[45, "k"]]],
  [
    { op: "arm-timer", id: "t", clock: "boottime", at: 2n ** 62n, kill: "c", signal: 9, scope: "group" },
    18,
    [
      [10, "t"],
      [47, 7n],
      [48, 2n ** 62n],
      [49, "c"],
      [15, 9n],
      [16, 1n],
    ],
  ],
  [{ op: "disarm-timer", id: "t" }, 19, [[10, "t"]]],
  [
    { op: "acknowledge", event: 2n ** 60n, store: "s" },
    20,
    [
      [50, 2n ** 60n],
      [51, "s"],
    ],
  ],
  [
    { op: "configure", silence: 1, culprit: "c", orphans: false, grace: 2, deaths: 3, window: 4 },
    21,
    [
      [52, 1n],
      [53, "c"],
      [54, 0n],
      [55, 2n],
      [56, 3n],
      [57, 4n],
    ],
  ],
  [
    { op: "begin-shutdown", deadline: 10, how: "kexec", code: 3 },
    22,
    [
      [58, 10n],
      [59, 4n],
      [60, 3n],
    ],
  ],
  [
    { op: "finish", how: "power-off", code: 1, grace: 2 },
    23,
    [
      [59, 1n],
      [60, 1n],
      [55, 2n],
    ],
  ],
  [{ op: "relaunch", reason: "upgrade" }, 24, [[61, "upgrade"]]],
  [{ op: "hibernate" }, 25, []],
  [{ op: "replace-keeper" }, 26, []],
  [{ op: "replace-keeper", program: "/sbin/keeper" }, 26, [[24, "/sbin/keeper"]]],
  [{ op: "tell-manager", data: "READY=1" }, 27, [[44, "READY=1"]]],
  [
    {
      op: "open",
      name: "f",
      path: "/run/f",
      flags: 2,
      mode: 0o600,
      fifo: true,
      uid: 1,
      gid: 2,
      directoryMode: 0o755,
    },
    10,
    [
      [20, "f"],
      [24, "/run/f"],
      [36, 2n],
      [28, 0o600n],
      [89, 1n],
      [21, 1n],
      [22, 2n],
      [33, 0o755n],
    ],
  ],
  [
    { op: "set-option", name: "l", level: 1, option: 9, amount: 1 },
    28,
    [
      [20, "l"],
      [90, 1n],
      [91, 9n],
      [92, 1n],
    ],
  ],
  [
    { op: "set-option", name: "l", level: 6, option: 13, value: Buffer.from("reno") },
    28,
    [
      [20, "l"],
      [90, 6n],
      [91, 13n],
      [46, "reno"],
    ],
  ],
  [
    {
      op: "spawn",
      id: "confined",
      spec: {
        arguments: ["x"],
        namespaces: ["mount", "network", "ipc", "uts", "user", "cgroup"],
        networkNamespacePath: "/run/netns/x",
        ipcNamespacePath: "/proc/1/ns/ipc",
        mountPropagation: "shared",
        mounts: [
          { kind: "bind", source: "/a", path: "/b", recursive: true, optional: true },
          { kind: "bind", source: "/c", path: "/d", recursive: false },
          { kind: "read-only", path: "/" },
          { kind: "read-write", path: "/var" },
          { kind: "no-exec", path: "/" },
          { kind: "exec", path: "/usr" },
          { kind: "inaccessible", path: "/root", optional: true },
          { kind: "tmpfs", path: "/tmp", options: "mode=1777" },
          { kind: "proc", path: "/proc", options: "hidepid=invisible" },
          { kind: "mqueue", path: "/dev/mqueue" },
          { kind: "devices" },
        ],
        rootDirectory: "/srv/root",
        personality: 8,
        systemCallFilters: [Buffer.from("one"), Buffer.from("two")],
      },
    },
    2,
    [
      [10, "confined"],
      [
        11,
        [
          [2, "x"],
          ...[1n, 2n, 3n, 4n, 5n, 6n].map((number) => [64, number] as const),
          [65, "/run/netns/x"],
          [66, "/proc/1/ns/ipc"],
          [67, 2n],
          ...mounts(
            [
              [1, 1n],
              [2, "/b"],
              [3, "/a"],
              [5, 1n],
              [6, 1n],
            ],
            [
              [1, 1n],
              [2, "/d"],
              [3, "/c"],
            ],
            [
              [1, 2n],
              [2, "/"],
            ],
            [
              [1, 3n],
              [2, "/var"],
            ],
            [
              [1, 4n],
              [2, "/"],
            ],
            [
              [1, 5n],
              [2, "/usr"],
            ],
            [
              [1, 6n],
              [2, "/root"],
              [5, 1n],
            ],
            [
              [1, 7n],
              [2, "/tmp"],
              [4, "mode=1777"],
            ],
            [
              [1, 8n],
              [2, "/proc"],
              [4, "hidepid=invisible"],
            ],
            [
              [1, 9n],
              [2, "/dev/mqueue"],
            ],
            [[1, 10n]],
          ),
          [69, "/srv/root"],
          [70, 8n],
          [71, "one"],
          [71, "two"],
        ],
      ],
    ],
  ],
  [
    {
      op: "spawn",
      id: "s#1",
      spec: {
        program: "/bin/x",
        arguments: ["x", ""],
        environment: ["A=1", "B=ü"],
        directory: "/d",
        uid: 1,
        gid: 2,
        groups: [3, 4],
        umask: 0o77,
        limits: [{ resource: 7, soft: 10, hard: undefined }],
        nice: -5,
        scheduler: { policy: 1, priority: 2, resetOnFork: true },
        ioPriority: (2 << 13) | 4,
        oomScoreAdjustment: -1000,
        noNewPrivileges: true,
        boundingCapabilities: 2n ** 64n - 1n,
        ambientCapabilities: 1n << 40n,
        inheritableCapabilities: 0n,
        secureBits: 5,
        session: "group",
        terminal: { path: "/dev/tty1" },
        descriptors: [
          { target: 0, source: { name: "in" } },
          { target: 1, source: { path: "/log", flags: 1, mode: 0o600 } },
          { target: 2, source: { own: 2 } },
        ],
        listen: [{ name: "l", as: "http" }],
        cgroup: "/sys/fs/cgroup/x",
        parentDeathSignal: 9,
        mark: "s#1",
        socketEnvironment: "c",
        ignoredSignals: [1, 13],
        processors: [0, 3],
        pidVariable: "WATCHDOG_PID",
      },
    },
    2,
    [
      [10, "s#1"],
      [
        11,
        [
          [1, "/bin/x"],
          [2, "x"],
          [2, ""],
          [3, "A=1"],
          [3, "B=ü"],
          [4, "/d"],
          [5, 1n],
          [6, 2n],
          [7, 3n],
          [7, 4n],
          [9, 0o77n],
          [
            10,
            [
              [1, 7n],
              [2, 10n],
              [3, -1n],
            ],
          ],
          [11, -5n],
          [
            12,
            [
              [1, 1n],
              [2, 2n],
              [3, 1n],
            ],
          ],
          [13, 16388n],
          [14, -1000n],
          [15, 1n],
          [16, -1n],
          [17, 1n << 40n],
          [18, 0n],
          [19, 5n],
          [20, 2n],
          [21, [[2, "/dev/tty1"]]],
          [
            22,
            [
              [1, 0n],
              [2, "in"],
            ],
          ],
          [
            22,
            [
              [1, 1n],
              [3, "/log"],
              [4, 1n],
              [5, 0o600n],
            ],
          ],
          [
            22,
            [
              [1, 2n],
              [6, 2n],
            ],
          ],
          [
            23,
            [
              [1, "l"],
              [2, "http"],
            ],
          ],
          [24, "/sys/fs/cgroup/x"],
          [25, 9n],
          [26, "s#1"],
          [27, "c"],
          [28, 1n],
          [28, 13n],
          [29, 0n],
          [29, 3n],
          [30, "WATCHDOG_PID"],
        ],
      ],
    ],
  ],
  [
    {
      op: "spawn",
      id: "s",
      spec: {
        arguments: ["x"],
        groups: [],
        session: "none",
        noNewPrivileges: false,
        terminal: { name: "tty" },
      },
    },
    2,
    [
      [10, "s"],
      [
        11,
        [
          [2, "x"],
          [8, 1n],
          [20, 0n],
          [21, [[1, "tty"]]],
        ],
      ],
    ],
  ],
];

test("every request is encoded as the document says", () => {
  for (const [request, type, fields] of requests) {
    assert.equal(requestType(request), type, request.op);
    assert.deepEqual(fieldsOf(request), expected(fields), request.op);
  }
});

test("a frame holds its requests in order, its tag and its flag", () => {
  const frame = encodeRequests(
    requests.map(([request]) => request),
    0xffff_ffff,
    true,
  );
  const parsed = parseFrames(frame).frames[0];
  assert.deepEqual(
    parsed?.items.map(({ type }) => type),
    requests.map(([, type]) => type),
  );
  assert.deepEqual([parsed?.tag, parsed?.flags], [0xffff_ffff, 1]);
  const hello = parseFrames(encodeHello(0)).frames[0];
  assert.deepEqual(hello?.items, [{ type: 1, fields: [[10, i64(1n)]] }]);
});

test("what cannot be sent is refused by request and field", () => {
  const refused = (request: Request, message: RegExp) =>
    assert.throws(() => encodeRequests([request], 1, false), { name: "WireError", message });
  refused({ op: "pipe", name: "a\0b" }, /^encode request pipe: name: the text contains a NUL$/);
  refused({ op: "pipe", name: "a", uid: 1.5 }, /^encode request pipe: uid: 1\.5 is not an integer/);
  refused({ op: "pipe", name: "a", uid: Number.NaN }, /uid: NaN is not an integer/);
  refused({ op: "acknowledge", event: 2n ** 64n }, /event: 18446744073709551616 does not fit into 64 bits/);
  refused(
    { op: "spawn", id: "x", spec: { arguments: ["x"], environment: ["A=\0"] } },
    /^encode request spawn: spec: environment: the text contains a NUL$/,
  );
  refused(
    { op: "put-note", key: "k", value: new Uint8Array(frameLimit) },
    /^encode request put-note: value: the frame is longer than 1048576 bytes$/,
  );
  // The largest note that fits with its key: 8 of the frame, 8 of the item, 9 of the key and 8 of the value's header.
  const largest = frameLimit - 8 - 8 - 9 - 8;
  const frame = encodeRequests([{ op: "put-note", key: "k", value: new Uint8Array(largest) }], 1, false);
  assert.equal(frame.length, 4 + frameLimit);
  refused({ op: "put-note", key: "k", value: new Uint8Array(largest + 1) }, /longer/);
});

const header: RawFields = [
  [50, 2n ** 53n + 1n],
  [48, 1_700_000_000_000_000_001n],
];
const headerValue = { event: 2n ** 53n + 1n, at: 1_700_000_000_000_000_001n };

const events: readonly (readonly [number, RawFields, object])[] = [
  [
    128,
    [
      [10, "a"],
      [12, 3n],
    ],
    { type: "child-started", id: "a", pid: 3 },
  ],
  [
    129,
    [
      [10, "a"],
      [12, 3n],
      [75, 256n],
      [76, 1n],
      [77, 2n],
      [78, 3n],
    ],
    {
      type: "child-ended",
      id: "a",
      pid: 3,
      status: 256,
      userMicroseconds: 1,
      systemMicroseconds: 2,
      peakKibibytes: 3,
    },
  ],
  [
    129,
    [
      [10, "a"],
      [12, 3n],
      [75, 0n],
      [76, 1n],
      [77, 2n],
      [78, 3n],
      [79, "chdir"],
      [1, 2n],
      [2, "/srv"],
    ],
    {
      type: "child-ended",
      id: "a",
      pid: 3,
      status: 0,
      userMicroseconds: 1,
      systemMicroseconds: 2,
      peakKibibytes: 3,
      failure: { stage: "chdir", errno: 2, text: "/srv" },
    },
  ],
  [
    129,
    [
      [10, "a"],
      [12, 3n],
      [75, 0n],
      [76, 1n],
      [77, 2n],
      [78, 3n],
      [110, 1n],
      [111, "b"],
      [112, 4n],
      [113, 5n],
    ],
    {
      type: "child-ended",
      id: "a",
      pid: 3,
      status: 0,
      userMicroseconds: 1,
      systemMicroseconds: 2,
      peakKibibytes: 3,
      alone: true,
      successor: { id: "b", pid: 4, start: 5 },
    },
  ],
  [
    130,
    [
      [12, 3n],
      [13, 4n],
      [75, 9n],
      [80, 0n],
    ],
    { type: "orphan-ended", pid: 3, start: 4, status: 9, lost: 0 },
  ],
  [131, [[20, "n"]], { type: "readable", name: "n" }],
  [
    132,
    [
      [20, "n"],
      [44, bytes([1, 0])],
      [12, 1n],
      [21, 2n],
      [22, 3n],
      [13, 0n],
      [81, 1n],
      [82, 1n],
    ],
    {
      type: "datagram",
      name: "n",
      data: new Uint8Array([1, 0]),
      pid: 1,
      uid: 2,
      gid: 3,
      start: 0,
      descriptors: 1,
      truncated: true,
    },
  ],
  [133, [[10, "t"]], { type: "timer-fired", id: "t" }],
  [134, [], { type: "clock-was-set" }],
  [
    135,
    [
      [15, 15n],
      [12, 1n],
      [21, 0n],
      [83, 2n],
    ],
    { type: "signal", signal: 15, pid: 1, uid: 0, count: 2 },
  ],
  [
    136,
    [
      [75, 9n],
      [84, 1n],
      [2, "note"],
      [56, 1n],
      [64, 7n],
    ],
    { type: "daemon-restarted", status: 9, reason: "silent", text: "note", deaths: 1, generation: 7 },
  ],
];

function decodeOne(kind: number, item: RawItem): unknown {
  const [frame] = new FrameDecoder().push(rawFrame(kind, 0, [item]));
  assert.ok(frame);
  const message = decodeMessage(frame);
  if (message.kind === "events") return message.events[0];
  return message.kind === "inventory" ? message.items[0] : message.results[0];
}

test("every event is decoded, with numbers that need 64 bits", () => {
  for (const [type, fields, value] of events)
    assert.deepEqual(decodeOne(3, { type, fields: [...fields, ...header] }), { ...headerValue, ...value });
});

test("every record of the inventory is decoded", () => {
  assert.deepEqual(
    decodeOne(4, {
      type: 64,
      fields: [
        [10, 1n],
        [12, 1n],
        [48, 5n],
        [62, 1n],
        [64, 2n],
        [
          31,
          [
            [1, 4n],
            [2, 4n],
            [3, 1n],
          ],
        ],
        [
          31,
          [
            [1, 8n],
            [2, 8n],
            [3, 2n],
          ],
        ],
        [67, "1.0"],
        [68, 5n],
        [69, "boot"],
        [70, 6n],
      ],
    }),
    {
      type: "keeper",
      record: {
        pid: 1,
        started: 5n,
        init: true,
        initial: false,
        generation: 2,
        rescue: false,
        slots: [
          { number: 4, descriptor: 4, family: "unix" },
          { number: 8, descriptor: 8, family: "ipv4" },
        ],
        manager: false,
        release: "1.0",
        terminals: [true, false, true],
        bootId: "boot",
        orphans: 6,
      },
    },
  );
  assert.deepEqual(
    decodeOne(4, {
      type: 65,
      fields: [
        [10, "a"],
        [12, 2n],
        [13, 3n],
        [71, 1n],
        [48, 4n],
        [72, "/c"],
        [73, 1n],
      ],
    }),
    {
      type: "child",
      record: { id: "a", pid: 2, start: 3, state: "running", spawned: 4n, cgroup: "/c", adopted: true },
    },
  );
  assert.deepEqual(
    decodeOne(4, {
      type: 66,
      fields: [
        [20, "n"],
        [74, 2n],
        [24, "/s"],
        [38, 1n],
        [2, 12n],
      ],
    }),
    {
      type: "descriptor",
      record: { name: "n", kind: "listener", path: "/s", watched: true, daemonDescriptor: 12 },
    },
  );
  assert.deepEqual(
    decodeOne(4, {
      type: 67,
      fields: [
        [45, "k"],
        [46, bytes([0, 1])],
      ],
    }),
    {
      type: "note",
      key: "k",
      value: new Uint8Array([0, 1]),
    },
  );
  assert.deepEqual(
    decodeOne(4, {
      type: 68,
      fields: [
        [10, "t"],
        [47, 1n],
        [48, 9n],
        [49, "c"],
      ],
    }),
    {
      type: "timer",
      record: { id: "t", clock: "monotonic", at: 9n, kill: "c" },
    },
  );
});

test("results carry what their request answers", () => {
  assert.deepEqual(
    decodeOne(2, {
      type: 2,
      fields: [
        [1, 0n],
        [12, 5n],
        [13, 6n],
      ],
    }),
    {
      type: 2,
      result: { errno: 0, text: "", pid: 5, start: 6 },
    },
  );
  assert.deepEqual(
    decodeOne(2, {
      type: 14,
      fields: [
        [1, 0n],
        [40, "a"],
        [41, "b"],
        [25, 1n],
        [42, 2n],
        [12, 3n],
        [21, 4n],
        [22, 5n],
      ],
    }),
    {
      type: 14,
      result: { errno: 0, text: "", local: "a", remote: "b", port: 1, remotePort: 2, pid: 3, uid: 4, gid: 5 },
    },
  );
  assert.deepEqual(
    decodeOne(2, {
      type: 3,
      fields: [
        [1, 0n],
        [14, 0n],
      ],
    }),
    {
      type: 3,
      result: { errno: 0, text: "", alive: false },
    },
  );
  assert.deepEqual(
    decodeOne(2, {
      type: 6,
      fields: [
        [1, 17n],
        [2, "create pipe p"],
      ],
    }),
    {
      type: 6,
      result: { errno: 17, text: "create pipe p" },
    },
  );
});

test("what the contract does not know is refused, never ignored", () => {
  const refused = (kind: number, item: RawItem, message: RegExp) =>
    assert.throws(() => decodeOne(kind, item), { name: "WireError", message });
  refused(3, { type: 200, fields: header }, /^event of unknown type 200$/);
  refused(4, { type: 99, fields: [] }, /^record 99: the type is unknown$/);
  refused(9, { type: 1, fields: [] }, /^frame of unknown kind 9$/);
  refused(1, { type: 1, fields: [] }, /^frame of unknown kind 1$/);
  refused(3, { type: 131, fields: [...header, [20, "n"], [99, 1n]] }, /^event 131: field 99 is unknown$/);
  refused(3, { type: 131, fields: header }, /^event 131: field 20 is missing$/);
  refused(3, { type: 131, fields: [...header, [20, "n"], [20, "n"]] }, /^event 131: field 20 is repeated$/);
  refused(
    3,
    {
      type: 133,
      fields: [
        [10, "t"],
        [50, "short"],
        [48, 1n],
      ],
    },
    /^event 133: field 50 is no integer$/,
  );
  refused(3, { type: 128, fields: [...header, [10, "a"], [12, 2n ** 60n]] }, /field 12 is out of range/);
  refused(
    3,
    { type: 136, fields: [...header, [75, 0n], [84, 9n], [56, 0n], [64, 0n]] },
    /^event 136: 9 is none of died, silent/,
  );
  refused(
    2,
    {
      type: 1,
      fields: [
        [1, 0n],
        [10, 2n],
      ],
    },
    /the keeper chose version 2/,
  );
});

const stream = Buffer.concat([
  ...events.map(([type, fields]) => rawFrame(3, 0, [{ type, fields: [...fields, ...header] }])),
  rawFrame(2, 9, []),
  rawFrame(3, 0, [{ type: 132, fields: [[44, randomBytes(3000)]] }]),
]);

function framesOf(chunks: readonly Buffer[]): unknown {
  const decoder = new FrameDecoder();
  return chunks.flatMap((chunk) => decoder.push(chunk));
}

test("a stream split anywhere gives the same frames", () => {
  const whole = framesOf([stream]);
  for (let at = 0; at <= stream.length; at += 1)
    assert.deepEqual(framesOf([stream.subarray(0, at), stream.subarray(at)]), whole, `split at ${at}`);
  assert.deepEqual(framesOf(Array.from(stream, (byte) => bytes([byte]))), whole);
  for (let round = 0; round < 50; round += 1) {
    const chunks: Buffer[] = [];
    for (let at = 0; at < stream.length; ) {
      const size = randomInt(1, 400);
      chunks.push(stream.subarray(at, at + size));
      at += size;
    }
    assert.deepEqual(framesOf(chunks), whole);
  }
});

test("a frame of the largest size passes in chunks, a larger one is refused by its length alone", () => {
  const decoder = new FrameDecoder();
  const value = Buffer.alloc(frameLimit - 8 - 8 - 8);
  const frame = rawFrame(3, 0, [{ type: 132, fields: [[44, value]] }]);
  const frames = [];
  for (let at = 0; at < frame.length; at += 65536)
    frames.push(...decoder.push(frame.subarray(at, at + 65536)));
  assert.equal(frames[0]?.items[0]?.fields.length, value.length + 8);
  const tooLong = Buffer.alloc(4);
  tooLong.writeUInt32LE(frameLimit + 1);
  assert.throws(() => new FrameDecoder().push(tooLong), { message: "frame of length 1048577" });
  tooLong.writeUInt32LE(7);
  assert.throws(() => new FrameDecoder().push(tooLong), { message: "frame of length 7" });
});

test("malformed frames are refused", () => {
  const body = (...parts: readonly number[]) => {
    const frame = bytes([parts.length, 0, 0, 0, ...parts]);
    return () => new FrameDecoder().push(frame);
  };
  assert.throws(body(2, 3, 0, 0, 0, 0, 0, 0), { message: "frame of version 2" });
  assert.throws(body(1, 3, 0, 0, 0, 0, 0, 0, 4, 0, 0), { message: "frame ends within an item's header" });
  assert.throws(body(1, 3, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0), { message: "item of length 3" });
  assert.throws(body(1, 3, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 1, 0, 0, 0), { message: "item of length 5" });
  assert.throws(body(1, 3, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 1, 0, 1, 0), { message: /header that is not zero/ });
});

test("random bytes and damaged frames only ever throw a WireError", () => {
  const attempt = (input: Buffer) => {
    try {
      for (const frame of new FrameDecoder().push(input)) decodeMessage(frame);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
    }
  };
  for (let round = 0; round < 3000; round += 1) {
    attempt(randomBytes(randomInt(0, 64)));
    const random = randomBytes(randomInt(8, 80));
    random[0] = 1;
    random[1] = randomInt(0, 6);
    const framed = Buffer.concat([bytes([random.length, 0, 0, 0]), random]);
    attempt(framed);
    const damaged = Buffer.from(stream);
    for (let hits = randomInt(1, 4); hits > 0; hits -= 1) damaged[randomInt(damaged.length)] = randomInt(256);
    attempt(damaged);
  }
});

test("an environment that spawns share is written as one of their own is", () => {
  const environment = Array.from(
    { length: 100 },
    (_, index) => `VARIABLE_${index}=${"v\u00e4lue ".repeat(index)}`,
  );
  const spawns = (own: boolean): readonly Request[] =>
    ["a", "b", "c"].map((id) => ({
      op: "spawn",
      id,
      spec: { arguments: ["/bin/true"], environment: own ? [...environment] : environment },
    }));
  assert.deepEqual(encodeRequests(spawns(false), 7, false), encodeRequests(spawns(true), 7, false));
  const bad = ["A=1", "B=\0"];
  const refused: readonly Request[] = [
    { op: "spawn", id: "a", spec: { arguments: ["/bin/true"], environment: bad } },
  ];
  for (let time = 0; time < 2; time += 1)
    assert.throws(() => encodeRequests(refused, 7, false), /environment: the text contains a NUL/);
});
