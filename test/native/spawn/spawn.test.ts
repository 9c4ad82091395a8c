// The spawn helper, attribute by attribute: what the program that it executes sees, and what is reported of a failure.

import assert from "node:assert/strict";
import { randomBytes, randomInt } from "node:crypto";
import { once } from "node:events";
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { constants as system } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { SpawnSpec } from "../../../src/daemon/keeper/types.js";
import { type RawFields, rawFields } from "../../daemon/keeper/raw.js";
import {
  directory,
  encodeNames,
  encodeSpec,
  type Outcome,
  run,
  runRaw,
  type Surroundings,
  variant,
} from "./helper.js";

const { errno, signals } = system;
const root = process.getuid?.() === 0;
const needsRoot = { skip: root ? false : "changing users, groups and capabilities needs root" };
const nobody = 65534;

const capabilities = (set: string): bigint =>
  BigInt(
    `0x${/Cap.*?:\t(.*)/.exec(readFileSync("/proc/self/status", "utf8").match(`Cap${set}:.*`)?.[0] ?? "")?.[1]}`,
  );
const capability = { chown: 0, netBindService: 10, sysNice: 23, sysResource: 24 } as const;
const held = (bit: number): boolean => ((capabilities("Eff") >> BigInt(bit)) & 1n) !== 0n;

const output = { target: 1, source: { own: 1 } } as const;
const errors = { target: 2, source: { own: 2 } } as const;

/** What a shell script prints that is executed with the attributes. */
async function printed(
  context: TestContext,
  script: string,
  spec: Partial<SpawnSpec> = {},
  surroundings: Surroundings = {},
): Promise<string> {
  const outcome = await run(
    context,
    {
      arguments: ["/bin/sh", "-c", script],
      environment: ["PATH=/usr/sbin:/usr/bin:/bin"],
      ...spec,
      descriptors: [output, errors, ...(spec.descriptors ?? [])],
    },
    surroundings,
  );
  assert.deepEqual(
    { failure: outcome.failure, stderr: outcome.stderr, code: outcome.code, signal: outcome.signal },
    { failure: undefined, stderr: "", code: 0, signal: null },
  );
  assert.ok(outcome.executed);
  return outcome.stdout.trim();
}

/** One line of the program's own /proc/self/status. */
async function status(
  context: TestContext,
  key: string,
  spec: Partial<SpawnSpec>,
  surroundings: Surroundings = {},
): Promise<string> {
  // Not by way of a shell, which may change the signal mask.
  const grep = { arguments: ["grep", `^${key}:`, "/proc/self/status"] as const };
  const line = await printed(context, "", { ...grep, ...spec }, surroundings);
  return line
    .slice(key.length + 1)
    .trim()
    .replaceAll("\t", " ");
}

async function failed(
  context: TestContext,
  spec: Partial<SpawnSpec>,
  expected: { readonly stage: string; readonly errno: number; readonly text: string },
  surroundings: Surroundings = {},
): Promise<Outcome> {
  const outcome = await run(context, { arguments: ["/bin/true"], ...spec }, surroundings);
  assert.deepEqual(outcome.failure, expected);
  assert.equal(outcome.code, 127);
  return outcome;
}

test("the program gets exactly its arguments and its environment", async (context) => {
  const outcome = await run(context, {
    arguments: ["/usr/bin/env"],
    environment: ["B=2", "A=ü", "EMPTY="],
    descriptors: [output],
  });
  assert.equal(outcome.stdout, "B=2\nA=ü\nEMPTY=\n");
  const words = ["x", "", "two words", "$HOME"];
  assert.equal(
    await printed(context, "", { arguments: ["/bin/sh", "-c", 'printf "<%s>" "$@"', "sh", ...words] }),
    "<x><><two words><$HOME>",
  );
});

test("the program may have another name than its first argument", async (context) => {
  const script = "cat /proc/$$/cmdline | tr '\\0' ' '; readlink /proc/$$/exe >/dev/null";
  const line = await printed(context, "", { program: "/bin/sh", arguments: ["-login", "-c", script] });
  assert.match(line, /^-login -c /);
});

test("a program without a slash is looked up in the PATH of its environment", async (context) => {
  const base = directory(context);
  const place = (name: string, mode: number, text = "#!/bin/sh\necho found in $0\n") => {
    mkdirSync(join(base, name), { recursive: true });
    writeFileSync(join(base, name, "program"), text);
    chmodSync(join(base, name, "program"), mode);
    return join(base, name);
  };
  const good = place("good", 0o755);
  const forbidden = place("forbidden", 0o644);
  const search = (...path: string[]): Promise<Outcome> =>
    run(context, { arguments: ["program"], environment: [`PATH=${path.join(":")}`], descriptors: [output] });

  assert.equal(
    (await search("/nowhere", "/etc/passwd", forbidden, good)).stdout,
    `found in ${good}/program\n`,
  );
  const failure = (error: number) => ({ stage: "exec", errno: error, text: "program" });
  assert.deepEqual((await search("/nowhere")).failure, failure(errno.ENOENT));
  assert.deepEqual((await search(forbidden, "/nowhere")).failure, failure(errno.EACCES));
  assert.deepEqual((await search("x".repeat(5000))).failure, failure(errno.ENAMETOOLONG));
  assert.deepEqual(
    (await search(place("text", 0o755, "echo this is no program\n"), good)).failure,
    failure(errno.ENOEXEC),
  );
  const here = await run(context, {
    arguments: ["program"],
    environment: ["PATH=/nowhere:"],
    directory: good,
    descriptors: [output],
  });
  assert.equal(here.stdout, "found in program\n");
  const defaulted = await run(context, { arguments: ["sh", "-c", "echo found"], descriptors: [output] });
  assert.equal(defaulted.stdout, "found\n");
});

test("execution fails with the program as the object, after the announcement", async (context) => {
  const file = join(directory(context), "program");
  writeFileSync(file, "no program\n");
  const cases: readonly (readonly [Partial<SpawnSpec>, number, string])[] = [
    [{ arguments: ["/nowhere/x"] }, errno.ENOENT, "/nowhere/x"],
    [{ program: "/nowhere/y", arguments: ["/bin/true"] }, errno.ENOENT, "/nowhere/y"],
    [{ arguments: [""] }, errno.ENOENT, ""],
    [{ arguments: [file] }, errno.EACCES, file],
    [{ arguments: ["/usr"] }, errno.EACCES, "/usr"],
  ];
  for (const [spec, error, text] of cases) {
    const outcome = await failed(context, spec, { stage: "exec", errno: error, text });
    assert.ok(outcome.executed);
  }
  chmodSync(file, 0o755);
  await failed(context, { arguments: [file] }, { stage: "exec", errno: errno.ENOEXEC, text: file });
});

const limitedByValgrind = {
  skip: variant === "valgrind" ? "valgrind cannot go on after this failure" : false,
};

test("arguments and variables that are too long are reported", limitedByValgrind, async (context) => {
  const long = "x".repeat(200_000);
  for (const spec of [{ arguments: ["/bin/true", long] as const }, { environment: [`A=${long}`] }])
    await failed(context, spec, { stage: "exec", errno: errno.E2BIG, text: "/bin/true" });
});

test("nothing is executed when nobody reads the report", async (context) => {
  const file = join(directory(context), "executed");
  const full = openSync("/dev/full", "w");
  const outcome = await run(context, { arguments: ["/usr/bin/touch", file] }, { status: full });
  closeSync(full);
  assert.equal(outcome.code, 127);
  assert.ok(!existsSync(file));
});

test("the directory is / or what was asked for", async (context) => {
  assert.equal(await printed(context, "pwd"), "/");
  assert.equal(await printed(context, "pwd", { directory: "/usr/bin" }), "/usr/bin");
  await failed(context, { directory: "/nowhere" }, { stage: "chdir", errno: errno.ENOENT, text: "/nowhere" });
  await failed(
    context,
    { directory: "/etc/passwd" },
    { stage: "chdir", errno: errno.ENOTDIR, text: "/etc/passwd" },
  );
});

test("user, group and supplementary groups", needsRoot, async (context) => {
  const ids = "grep -E '^(Uid|Gid|Groups):' /proc/self/status | tr '\\t\\n' '  ' | tr -s ' '";
  assert.equal(
    await printed(context, ids, { uid: nobody, gid: 100, groups: [7, 9] }),
    "Uid: 65534 65534 65534 65534 Gid: 100 100 100 100 Groups: 7 9",
  );
  assert.equal(await printed(context, ids, { groups: [] }), "Uid: 0 0 0 0 Gid: 0 0 0 0 Groups:");
  assert.equal(await status(context, "CapPrm", { uid: nobody }), "0000000000000000");
  assert.equal(await status(context, "CapEff", { uid: nobody }), "0000000000000000");
});

test("ids that the kernel would take as unchanged are refused", async (context) => {
  const refused = (tag: number, text: string) => [tag, text] as const;
  for (const [tag, text] of [refused(5, "uid"), refused(6, "gid"), refused(7, "group")])
    for (const value of [2n ** 32n - 1n, 2n ** 32n, -1n]) {
      const spec = rawFields([
        [2, "/bin/true"],
        [tag, value],
      ]);
      const outcome = await runRaw(context, Buffer.concat([encodeNames({}), spec]));
      assert.deepEqual(outcome.failure, {
        stage: "attribute",
        errno: errno.EINVAL,
        text: `${text}: ${value} is out of range`,
      });
    }
});

test("umask", async (context) => {
  assert.equal(await printed(context, "umask", { umask: 0o27 }), "0027");
});

/** It keeps its own descriptors above the limit, and so refuses a lower one. */
const underValgrind = {
  skip: variant === "valgrind" ? "valgrind does not let its program lower that limit" : false,
};

test("resource limits", underValgrind, async (context) => {
  const nofile = 7;
  const core = 4;
  assert.equal(
    await printed(context, "ulimit -Sn; ulimit -Hn; ulimit -Sc", {
      limits: [
        { resource: nofile, soft: 17, hard: 19 },
        { resource: core, soft: 0, hard: 0 },
      ],
    }),
    "17\n19\n0",
  );
  assert.equal(
    await printed(context, "ulimit -Sf", { limits: [{ resource: 1, soft: undefined, hard: undefined }] }),
    "unlimited",
  );
  await failed(
    context,
    { limits: [{ resource: nofile, soft: 20, hard: 10 }] },
    { stage: "limit", errno: errno.EINVAL, text: "nofile" },
  );
  await failed(
    context,
    { limits: [{ resource: 99, soft: 1, hard: 1 }] },
    { stage: "limit", errno: errno.EINVAL, text: "unknown resource" },
  );
});

test(
  "descriptors are handed over even if the new limit is lower than their number was",
  underValgrind,
  async (context) => {
    assert.equal(
      await printed(context, "ulimit -n; ls /proc/$$/fd", {
        limits: [{ resource: 7, soft: 6, hard: 6 }],
        descriptors: [{ target: 3, source: { path: "/dev/null", flags: 0 } }],
      }),
      "6\n0\n1\n2\n3",
    );
  },
);

test("hard limits can be raised", {
  skip: held(capability.sysResource) ? false : "needs CAP_SYS_RESOURCE",
}, async (context) => {
  assert.equal(
    await printed(context, "ulimit -Hl", { limits: [{ resource: 8, soft: undefined, hard: undefined }] }),
    "unlimited",
  );
});

test("nice value, scheduler, processors and I/O priority", async (context) => {
  assert.equal(await printed(context, "nice", { nice: 7 }), "7");
  const batch = 3;
  assert.match(
    await printed(context, "chrt -p $$", { scheduler: { policy: batch, priority: 0 } }),
    /SCHED_BATCH/,
  );
  assert.match(
    await printed(context, "chrt -p $$", { scheduler: { policy: batch, priority: 0, resetOnFork: true } }),
    /SCHED_BATCH\|SCHED_RESET_ON_FORK/,
  );
  await failed(
    context,
    { scheduler: { policy: batch, priority: 5 } },
    { stage: "scheduler", errno: errno.EINVAL, text: "policy 3, priority 5" },
  );
  assert.equal(await status(context, "Cpus_allowed_list", { processors: [0] }), "0");
  await failed(
    context,
    { processors: [8191] },
    { stage: "scheduler", errno: errno.EINVAL, text: "processors" },
  );
  assert.equal(await printed(context, "ionice -p $$", { ioPriority: (2 << 13) | 6 }), "best-effort: prio 6");
  await failed(context, { ioPriority: 7 << 13 }, { stage: "ioprio", errno: errno.EINVAL, text: "57344" });
});

test("the out-of-memory score can be raised", async (context) => {
  const score = Math.min(1000, Number(readFileSync("/proc/self/oom_score_adj", "utf8")) + 10);
  assert.equal(
    await printed(context, "cat /proc/self/oom_score_adj", { oomScoreAdjustment: score }),
    String(score),
  );
});

const lowering = held(capability.sysResource)
  ? false
  : "lowering the out-of-memory score needs CAP_SYS_RESOURCE";
test("the out-of-memory score can be lowered", { skip: lowering }, async (context) => {
  assert.equal(await printed(context, "cat /proc/self/oom_score_adj", { oomScoreAdjustment: -500 }), "-500");
});

test("lowering the score without the right to is reported", {
  skip: lowering === false ? "this process may" : false,
}, async (context) => {
  await failed(context, { oomScoreAdjustment: -1000 }, { stage: "oom", errno: errno.EACCES, text: "-1000" });
});

const bit = (number: number): bigint => 1n << BigInt(number);
const hex = (mask: bigint): string => mask.toString(16).padStart(16, "0");

test("capability sets", needsRoot, async (context) => {
  const keep = bit(capability.netBindService) | bit(capability.chown);
  assert.equal(await status(context, "CapBnd", { boundingCapabilities: keep }), hex(keep));
  assert.equal(await status(context, "CapPrm", { boundingCapabilities: keep }), hex(keep));
  assert.equal(await status(context, "CapInh", { inheritableCapabilities: keep }), hex(keep));
  assert.equal(
    await status(context, "CapInh", { inheritableCapabilities: keep, uid: nobody, gid: nobody, groups: [] }),
    hex(keep),
  );

  const granted = { ambientCapabilities: keep, uid: nobody, gid: nobody, groups: [] };
  for (const set of ["CapAmb", "CapEff", "CapPrm", "CapInh"])
    assert.equal(await status(context, set, granted), hex(keep), set);
  assert.equal(await status(context, "CapAmb", { ambientCapabilities: keep }), hex(keep));
  await failed(
    context,
    { ...granted, boundingCapabilities: bit(capability.chown) },
    { stage: "capabilities", errno: errno.EPERM, text: "set the inheritable set" },
  );
});

test(
  "files are opened without the capabilities that were kept for the ambient set",
  needsRoot,
  async (context) => {
    const path = directory(context);
    chmodSync(path, 0o755);
    const secret = join(path, "secret");
    writeFileSync(secret, "", { mode: 0o600 });
    const spec: Partial<SpawnSpec> = {
      uid: nobody,
      gid: nobody,
      descriptors: [{ target: 0, source: { path: secret, flags: constants.O_RDONLY } }],
    };
    const refused = { stage: "open", errno: errno.EACCES, text: secret };
    await failed(context, { ...spec, ambientCapabilities: bit(capability.netBindService) }, refused);
    // Without the kernel's fixup a change of the user drops no capability: it must happen nevertheless.
    const noSetuidFixup = 4;
    await failed(context, { ...spec, secureBits: noSetuidFixup }, refused);
  },
);

test("secure bits", needsRoot, async (context) => {
  const noRoot = 1;
  assert.match(await printed(context, "setpriv --dump", { secureBits: noRoot }), /Securebits: noroot\n/);
  await failed(
    context,
    { secureBits: 1 << 30 },
    { stage: "capabilities", errno: errno.EPERM, text: "secure bits 0x40000000" },
  );
});

test("no new privileges", async (context) => {
  assert.equal(await status(context, "NoNewPrivs", { noNewPrivileges: true }), "1");
  assert.equal(
    await status(context, "NoNewPrivs", {}),
    readFileSync("/proc/self/status", "utf8").match(/NoNewPrivs:\t(.)/)?.[1],
  );
});

test("a new session, a new process group, or neither", async (context) => {
  // Its pid, its process group and its session: fields 1, 5 and 6.
  const script = "read pid name state parent group session rest </proc/$$/stat; echo $pid $group $session";
  const ids = async (session?: SpawnSpec["session"]) =>
    (await printed(context, script, session === undefined ? {} : { session })).split(" ");
  const [pid, group, session] = await ids();
  assert.deepEqual([group, session], [pid, pid]);
  const [groupPid, ownGroup, outerSession] = await ids("group");
  assert.equal(ownGroup, groupPid);
  assert.notEqual(outerSession, groupPid);
  const [plainPid, outerGroup] = await ids("none");
  assert.notEqual(outerGroup, plainPid);
});

/** Makes a pseudo-terminal, prints the path of its user's end, and shows what is written to it. */
const terminalHolder = `
import os, pty, sys
master, slave = pty.openpty()
print(os.ttyname(slave), flush=True)
sys.stdin.readline()
`;

async function terminal(context: TestContext): Promise<string> {
  const { spawn } = await import("node:child_process");
  const holder = spawn("python3", ["-c", terminalHolder], { stdio: ["pipe", "pipe", "inherit"] });
  context.after(() => holder.kill("SIGKILL"));
  const [path] = (await once(holder.stdout, "data")) as [Buffer];
  return path.toString().trim();
}

test("the controlling terminal, by path and by name", async (context) => {
  const path = await terminal(context);
  const script =
    "read pid name state parent group session tty rest </proc/$$/stat; test -c /dev/tty && : </dev/tty && echo $tty";
  const { rdev } = statSync(path);
  // The kernel's encoding of a device number in /proc/PID/stat, for minor numbers below 256.
  const number = String(((rdev >> 8) << 8) | (rdev & 0xff));
  assert.equal(await printed(context, script, { terminal: { path } }), number);

  const fd = openSync(path, constants.O_RDWR | constants.O_NOCTTY);
  const names = { tty: 5 };
  assert.equal(
    await printed(context, script, { terminal: { name: "tty" } }, { descriptors: [fd], names }),
    number,
  );
  closeSync(fd);
});

test("a terminal that cannot be had is reported", async (context) => {
  await failed(
    context,
    { terminal: { path: "/dev/null" } },
    { stage: "terminal", errno: errno.ENOTTY, text: "/dev/null" },
  );
  await failed(
    context,
    { terminal: { path: "/nowhere" } },
    { stage: "terminal", errno: errno.ENOENT, text: "/nowhere" },
  );
  await failed(
    context,
    { terminal: { path: "/dev/null" }, session: "none" },
    { stage: "attribute", errno: errno.EINVAL, text: "terminal: needs a new session" },
  );
});

test("opening a terminal as a descriptor does not make it the controlling one", async (context) => {
  const path = await terminal(context);
  const script = "read pid name state parent group session tty rest </proc/$$/stat; echo $tty";
  const descriptors = [{ target: 0, source: { path, flags: constants.O_RDWR } }];
  assert.equal(await printed(context, script, { descriptors }), "0");
});

/** Executes what follows it with signals ignored and blocked. */
const tampering = [
  "python3",
  "-c",
  `import os, signal, sys
signal.signal(signal.SIGHUP, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGUSR1])
os.execvp(sys.argv[1], sys.argv[1:])`,
];

test("signals have their default actions, but for those to ignore, and none is blocked", async (context) => {
  const mask = (...numbers: number[]) => hex(numbers.reduce((sum, number) => sum | bit(number - 1), 0n));
  assert.equal(await status(context, "SigIgn", {}, { wrapper: tampering }), mask());
  assert.equal(await status(context, "SigBlk", {}, { wrapper: tampering }), mask());
  const ignoredSignals = [signals.SIGHUP, signals.SIGPIPE];
  assert.equal(await status(context, "SigIgn", { ignoredSignals }), mask(...ignoredSignals));
  await failed(
    context,
    { ignoredSignals: [signals.SIGKILL] },
    { stage: "signals", errno: errno.EINVAL, text: "ignore 9" },
  );
  await failed(
    context,
    { ignoredSignals: [99] },
    { stage: "signals", errno: errno.EINVAL, text: "ignore 99" },
  );
});

test("the death signal of the parent", async (context) => {
  const script =
    "import ctypes; n = ctypes.c_int(); ctypes.CDLL(None).prctl(2, ctypes.byref(n)); print(n.value)";
  const outcome = await run(context, {
    arguments: ["python3", "-c", script],
    environment: [`PATH=${process.env.PATH}`, `HOME=${process.env.HOME}`],
    parentDeathSignal: signals.SIGTERM,
    descriptors: [output, errors],
    uid: process.getuid?.() ?? 0,
  });
  assert.equal(outcome.stdout, `${signals.SIGTERM}\n`, outcome.stderr);
  await failed(
    context,
    { parentDeathSignal: 99 },
    { stage: "signals", errno: errno.EINVAL, text: "parent death signal 99" },
  );
});

test("the cgroup is joined by writing to its list of processes", async (context) => {
  const cgroup = directory(context);
  writeFileSync(join(cgroup, "cgroup.procs"), "");
  await printed(context, "true", { cgroup });
  assert.equal(readFileSync(join(cgroup, "cgroup.procs"), "utf8"), "0");
  await failed(context, { cgroup: "/nowhere" }, { stage: "cgroup", errno: errno.ENOENT, text: "/nowhere" });
  const long = "/x".repeat(3000);
  await failed(
    context,
    { cgroup: long },
    { stage: "cgroup", errno: errno.ENAMETOOLONG, text: long.slice(0, 1023) },
  );
});

test("standard descriptors default to /dev/null and nothing else is handed over", async (context) => {
  const extra = openSync("/etc/passwd", "r");
  const spec: SpawnSpec = {
    arguments: [
      "/bin/sh",
      "-c",
      'list=$(for fd in /proc/$$/fd/*; do echo $(basename $fd) $(readlink $fd); done); echo "$list" >&3',
    ],
    environment: ["PATH=/usr/bin:/bin"],
    descriptors: [{ target: 3, source: { own: 1 } }],
  };
  const outcome = await run(context, spec, { descriptors: [extra, extra, extra, extra] });
  closeSync(extra);
  const lines = outcome.stdout.trim().split("\n");
  assert.deepEqual(lines.slice(0, 3), ["0 /dev/null", "1 /dev/null", "2 /dev/null"]);
  assert.match(lines[3] ?? "", /^3 (socket|pipe):/);
  // The pipe from which the shell reads the list is its own.
  assert.deepEqual(
    lines.slice(4).filter((line) => !/^[0-9]+ pipe:/.test(line)),
    [],
  );
});

test("descriptors of a path are opened by the user, as asked", needsRoot, async (context) => {
  const path = directory(context);
  chmodSync(path, 0o777);
  const file = join(path, "log");
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND;
  await run(context, {
    arguments: ["/bin/echo", "hello"],
    uid: nobody,
    gid: nobody,
    groups: [],
    umask: 0o22,
    descriptors: [{ target: 1, source: { path: file, flags, mode: 0o666 } }],
  });
  const { uid, mode } = statSync(file);
  assert.deepEqual([readFileSync(file, "utf8"), uid, mode & 0o777], ["hello\n", nobody, 0o644]);
});

test("a file is not created through a symbolic link, but one that is there is opened", async (context) => {
  const path = directory(context);
  const link = join(path, "link");
  symlinkSync(join(path, "target"), link);
  const through = (flags: number): Partial<SpawnSpec> => ({
    descriptors: [{ target: 1, source: { path: link, flags, mode: 0o600 } }],
  });
  await failed(context, through(constants.O_WRONLY | constants.O_CREAT), {
    stage: "open",
    errno: errno.ELOOP,
    text: link,
  });
  assert.ok(!existsSync(join(path, "target")));
  await failed(context, through(constants.O_WRONLY), { stage: "open", errno: errno.ENOENT, text: link });
  writeFileSync(join(path, "target"), "");
  await run(context, { arguments: ["/bin/echo", "x"], ...through(constants.O_WRONLY) });
  assert.equal(readFileSync(join(path, "target"), "utf8"), "x\n");
});

test("standard descriptors are handed over as blocking ones", async (context) => {
  const path = join(directory(context), "file");
  writeFileSync(path, "");
  const flags = constants.O_RDONLY | constants.O_NONBLOCK;
  const fd = openSync(path, flags);
  const line = await printed(
    context,
    "grep flags /proc/$$/fdinfo/0 /proc/$$/fdinfo/4 | sed 's/.*flags:.//'",
    {
      descriptors: [
        { target: 0, source: { name: "file" } },
        { target: 4, source: { path, flags } },
      ],
    },
    { descriptors: [fd], names: { file: 5 } },
  );
  closeSync(fd);
  const [zero, four] = line.split("\n").map((text) => Number.parseInt(text, 8) & constants.O_NONBLOCK);
  assert.deepEqual([zero, four], [0, constants.O_NONBLOCK]);
});

test("descriptors come out right for any assignment of sources to targets", async (context) => {
  const path = directory(context);
  const files = Array.from({ length: 5 }, (_, index) => {
    const file = join(path, `file${index}`);
    writeFileSync(file, "");
    return file;
  });
  const fds = files.map((file) => openSync(file, "r"));
  const names = Object.fromEntries(files.map((_, index) => [`name${index}`, 5 + index]));
  for (let round = 0; round < 40; round += 1) {
    // Targets among the sources' own numbers and around them, in any order; sources may repeat.
    const targets = Array.from({ length: 14 }, (_, index) => index + 1)
      .sort(() => randomInt(3) - 1)
      .slice(0, randomInt(1, 12));
    const expected = new Map<number, string>();
    const descriptors: NonNullable<SpawnSpec["descriptors"]> = targets.map((target) => {
      const index = randomInt(files.length);
      const file = files[index] ?? "";
      expected.set(target, file);
      return randomInt(2) === 0
        ? { target, source: { name: `name${index}` } }
        : { target, source: { path: file, flags: constants.O_RDONLY } };
    });
    const script = `for fd in ${targets.join(" ")}; do echo $fd $(readlink /proc/$$/fd/$fd); done >/proc/$$/fd/0`;
    const out = openSync(join(path, "out"), "w+");
    const outcome = await run(
      context,
      {
        arguments: ["/bin/sh", "-c", script],
        environment: ["PATH=/usr/bin:/bin"],
        descriptors: [...descriptors, { target: 0, source: { name: "out" } }],
      },
      { descriptors: [...fds, out], names: { ...names, out: 10 } },
    );
    closeSync(out);
    assert.deepEqual(outcome.failure, undefined);
    const seen = new Map(
      readFileSync(join(path, "out"), "utf8")
        .trim()
        .split("\n")
        .map((line) => {
          const [fd, file] = line.split(" ");
          return [Number(fd), file];
        }),
    );
    // The shell itself saves its standard output, which the redirection replaces, at 10.
    assert.deepEqual(
      [...seen].filter(([fd]) => fd !== 1 && fd !== 10),
      [...expected].filter(([fd]) => fd !== 1 && fd !== 10),
      JSON.stringify(descriptors),
    );
  }
  for (const fd of fds) closeSync(fd);
});

test("descriptors that cannot be handed over are reported", async (context) => {
  const twice: Partial<SpawnSpec> = { descriptors: [output, output] };
  await failed(context, twice, {
    stage: "attribute",
    errno: errno.EINVAL,
    text: "descriptor 1: given twice",
  });
  await failed(
    context,
    { descriptors: [{ target: 3, source: { own: 1 } }], listen: [{ name: "file", as: "a" }] },
    { stage: "attribute", errno: errno.EINVAL, text: "descriptor 3: given twice" },
    { descriptors: [0], names: { file: 5 } },
  );
  await failed(
    context,
    { descriptors: [{ target: 0, source: { name: "gone" } }] },
    { stage: "descriptor", errno: errno.ENOENT, text: "gone" },
  );
  await failed(
    context,
    { descriptors: [{ target: 0, source: { name: "closed" } }] },
    { stage: "descriptor", errno: errno.EBADF, text: "closed" },
    { names: { closed: 99 } },
  );
  await failed(
    context,
    { descriptors: [{ target: 0, source: { path: "/nowhere", flags: 0 } }] },
    { stage: "open", errno: errno.ENOENT, text: "/nowhere" },
  );
  await failed(
    context,
    { descriptors: [{ target: 1_000_000, source: { own: 1 } }], limits: [] },
    { stage: "descriptor", errno: errno.EINVAL, text: "1000000" },
  );
});

test("listeners are passed from descriptor 3 on, with their names and for this process", async (context) => {
  const path = directory(context);
  const fds = ["a", "b"].map((name) => openSync(join(path, name), "w"));
  const script =
    'test "$LISTEN_PID" = $$ && echo $LISTEN_FDS $LISTEN_FDNAMES && readlink /proc/$$/fd/3 /proc/$$/fd/4';
  const text = await printed(
    context,
    script,
    {
      environment: ["LISTEN_PID=1", "LISTEN_FDNAMES=stale", "PATH=/usr/bin:/bin"],
      listen: [
        { name: "second", as: "http" },
        { name: "first", as: "" },
      ],
    },
    { descriptors: fds, names: { first: 5, second: 6 } },
  );
  for (const fd of fds) closeSync(fd);
  assert.equal(text, `2 http:\n${path}/b\n${path}/a`);
  await failed(
    context,
    { listen: [{ name: "x", as: "a:b" }] },
    { stage: "attribute", errno: errno.EINVAL, text: "listen as a:b: contains a colon" },
  );
});

test("a variable has the process's own pid", async (context) => {
  const script = "test $WATCHDOG_PID = $$ && echo own";
  const environment = ["WATCHDOG_PID=1"];
  assert.equal(await printed(context, script, { pidVariable: "WATCHDOG_PID", environment }), "own");
});

test("the mark is a variable, and is appended to an outer one", async (context) => {
  const script = "echo $SHEPHERD_MARK";
  assert.equal(await printed(context, script, { mark: "inner#1" }), "inner#1");
  assert.equal(
    await printed(context, script, { mark: "inner#1", environment: ["SHEPHERD_MARK=outer#2"] }),
    "outer#2:inner#1",
  );
});

/** Both ends of a connection, from the server's side on. */
async function connection(
  context: TestContext,
  host: string,
  peer: string,
): Promise<readonly [Socket, Socket]> {
  const server = createServer({ pauseOnConnect: true });
  server.listen(0, host);
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  const near = connect(address.port, peer);
  const [far] = (await once(server, "connection")) as [Socket];
  context.after(() => {
    near.destroy();
    far.destroy();
    server.close();
  });
  return [far, near];
}

test("the ends of a connection are described in the environment", async (context) => {
  const script = "env | grep ^TCP | sort | tr '\\n' ' '";
  const describe = (socket: Socket) =>
    printed(context, script, { socketEnvironment: "c" }, { descriptors: [socket], names: { c: 5 } });
  const expected = (socket: Socket, ip: string) =>
    `TCPLOCALIP=${ip} TCPLOCALPORT=${socket.localPort} TCPREMOTEIP=${ip} TCPREMOTEPORT=${socket.remotePort}`;

  const [v4] = await connection(context, "127.0.0.1", "127.0.0.1");
  assert.equal(await describe(v4), expected(v4, "127.0.0.1"));
  if (!existsSync("/proc/net/if_inet6") || !readFileSync("/proc/net/if_inet6", "utf8").includes(" lo")) {
    context.diagnostic("no IPv6 on the loopback interface: its addresses are not tried");
    return;
  }
  const [v6] = await connection(context, "::1", "::1");
  assert.equal(await describe(v6), expected(v6, "::1"));
  const [mapped] = await connection(context, "::", "127.0.0.1");
  assert.equal(await describe(mapped), expected(mapped, "127.0.0.1"));
});

test("what is no socket, or not of the Internet, has no such description", async (context) => {
  const file = openSync("/etc/passwd", "r");
  await failed(
    context,
    { socketEnvironment: "c" },
    { stage: "descriptor", errno: errno.ENOTSOCK, text: "c: ask for TCPLOCALIP" },
    { descriptors: [file], names: { c: 5 } },
  );
  closeSync(file);
  const server = createServer();
  const path = join(directory(context), "socket");
  server.listen(path);
  await once(server, "listening");
  const client = connect(path);
  await once(client, "connect");
  const script = "env | grep -c ^TCP; true";
  const names = { c: 5 };
  assert.equal(
    await printed(context, script, { socketEnvironment: "c" }, { descriptors: [client], names }),
    "0",
  );
  client.destroy();
  server.close();
});

const executable: RawFields = [[2, "/bin/true"]];

test("a malformed spec is refused with what is wrong about it", async (context) => {
  const refused = async (fields: RawFields | Buffer, error: number, text: string) => {
    const spec = Buffer.isBuffer(fields) ? fields : rawFields(fields);
    const { failure, executed, code } = await runRaw(context, Buffer.concat([encodeNames({}), spec]));
    assert.deepEqual(
      { failure, executed, code },
      {
        failure: { stage: "attribute", errno: error, text },
        executed: false,
        code: 127,
      },
    );
  };
  await refused([], errno.EINVAL, "argument: missing");
  await refused([...executable, [200, 1n]], errno.ENOSYS, "spec: attribute 200 is unknown");
  await refused([...executable, [0, 1n]], errno.ENOSYS, "spec: attribute 0 is unknown");
  await refused([...executable, [4, "/"], [4, "/"]], errno.EINVAL, "directory: repeated");
  await refused([...executable, [4, "/a\0b"]], errno.EINVAL, "directory: contains a NUL");
  await refused([...executable, [5, "short"]], errno.EINVAL, "uid: not an integer");
  await refused([...executable, [9, 0o1000n]], errno.EINVAL, "umask: 512 is out of range");
  await refused([...executable, [15, 0n]], errno.EINVAL, "no new privileges: 0 is out of range");
  await refused(
    [
      ...executable,
      [
        10,
        [
          [1, 7n],
          [2, 1n],
        ],
      ],
    ],
    errno.EINVAL,
    "hard limit: missing",
  );
  await refused([...executable, [10, [[9, 7n]]]], errno.ENOSYS, "limit: attribute 9 is unknown");
  await refused([...executable, [22, [[1, 1n]]]], errno.EINVAL, "descriptor 1: needs one source");
  await refused(
    [
      ...executable,
      [
        22,
        [
          [1, 1n],
          [2, "a"],
          [6, 1n],
        ],
      ],
    ],
    errno.EINVAL,
    "descriptor 1: needs one source",
  );
  await refused([...executable, [21, []]], errno.EINVAL, "terminal: needs a name or a path");
  await refused([...executable, [3, "NOVALUE"]], errno.EINVAL, "environment: NOVALUE is not NAME=VALUE");
  await refused(Buffer.from([2, 0, 0, 0]), errno.EINVAL, "spec: malformed field");
  await refused(Buffer.from([2, 0, 1, 0, 0, 0, 0, 0]), errno.EINVAL, "spec: malformed field");
  await refused(Buffer.from([2, 0, 0, 0, 255, 255, 255, 255]), errno.EINVAL, "spec: malformed field");
});

test("a spec without its names is refused", async (context) => {
  for (const bytes of [[1], [1, 0, 0, 0], [255, 255, 255, 255], [1, 0, 0, 0, 9, 0, 0, 0, 65, 0, 0, 0]]) {
    const { failure } = await runRaw(context, Buffer.from(bytes));
    assert.deepEqual(failure, { stage: "helper", errno: errno.EINVAL, text: "the spec is truncated" });
  }
  const { failure } = await runRaw(context, Buffer.alloc(0));
  assert.equal(failure?.stage, "helper");
});

test("random and damaged specs never crash the helper", async (context) => {
  const good = Buffer.concat([
    encodeNames({ one: 5 }),
    encodeSpec({
      arguments: ["/bin/true"],
      environment: ["A=1"],
      directory: "/usr",
      limits: [{ resource: 7, soft: 64, hard: 64 }],
      descriptors: [{ target: 1, source: { name: "one" } }, errors],
      listen: [{ name: "one", as: "x" }],
      mark: "mark",
      ignoredSignals: [1],
    }),
  ]);
  const input = openSync("/dev/null", "r");
  for (let round = 0; round < 150; round += 1) {
    const bytes = round % 3 === 0 ? randomBytes(randomInt(0, 200)) : Buffer.from(good);
    if (round % 3 === 0 && bytes.length >= 4) bytes.writeUInt32LE(0);
    if (round % 3 !== 0)
      for (let hits = randomInt(1, 4); hits > 0; hits -= 1) bytes[randomInt(bytes.length)] = randomInt(256);
    const outcome = await runRaw(context, bytes, { descriptors: [input] });
    const told = outcome.failure !== undefined ? outcome.code === 127 : outcome.executed;
    assert.ok(told && outcome.signal === null, `${bytes.toString("hex")}: ${JSON.stringify(outcome)}`);
    if (outcome.failure !== undefined) assert.doesNotMatch(outcome.stderr, /ERROR|runtime error|==\d+==/);
  }
  closeSync(input);
});
