// The spawn helper's namespaces, personality and system call filters.

import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { chmodSync, copyFileSync, readlinkSync } from "node:fs";
import { arch, constants } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Namespace, SpawnSpec } from "../../../src/daemon/keeper/types.js";
import { type RawFields, rawFields } from "../../daemon/keeper/raw.js";
import { project } from "../../support/project.js";
import { run as execute } from "../../support/run.js";
import { confined, lines, needsRoot, own, refusal } from "./confinement.js";
import { directory, encodeNames, encodeSpec, runRaw, variant } from "./helper.js";

const { errno, signals } = constants;
const nobody = 65534;

test("each namespace is its own, and no other", needsRoot, async (context) => {
  const files = {
    mount: "mnt",
    network: "net",
    ipc: "ipc",
    uts: "uts",
    user: "user",
    cgroup: "cgroup",
  } as const;
  const names = Object.keys(files) as Namespace[];
  const shown = `cd /proc/self/ns; for file in ${Object.values(files).join(" ")}; do readlink $file; done`;
  // Of all but mounts, for which the test has one already.
  const outside = Object.values(files).map((file) => readlinkSync(`/proc/self/ns/${file}`));
  for (const name of names) {
    const inside = await lines(context, shown, { namespaces: [name] });
    const changed = names.filter((_, index) => inside[index] !== outside[index]);
    assert.deepEqual(
      changed,
      names.filter((other) => other === name || other === "mount"),
    );
  }
});

test("in a network of its own only lo is there, and it is up", needsRoot, async (context) => {
  assert.deepEqual(
    await lines(
      context,
      "cut -s -d: -f1 /proc/net/dev | tr -d ' '; cat /proc/net/fib_trie | grep -c 127.0.0.1",
      {
        namespaces: ["network"],
      },
    ),
    ["lo", "2"],
  );
});

test("a network and an ipc namespace can be joined", needsRoot, async (context) => {
  const base = directory(context);
  const bind = `mount --bind ${base} ${base}; mount --make-private ${base}; : > ${base}/net; : > ${base}/ipc
    unshare --net=${base}/net --ipc=${base}/ipc true`;
  const [net, ipc, seenNet, seenIpc] = await lines(
    context,
    `cd /proc/self/ns; stat -L -c %i ${base}/net ${base}/ipc net ipc`,
    { networkNamespacePath: join(base, "net"), ipcNamespacePath: join(base, "ipc") },
    bind,
  );
  assert.deepEqual([seenNet, seenIpc], [net, ipc]);
  assert.deepEqual(await refusal(context, { networkNamespacePath: "/nowhere" }), {
    stage: "namespace",
    errno: errno.ENOENT,
    text: "network /nowhere",
  });
  assert.deepEqual(await refusal(context, { ipcNamespacePath: "/proc/self/ns/net" }), {
    stage: "namespace",
    errno: errno.EINVAL,
    text: "ipc /proc/self/ns/net",
  });
});

test("a user namespace has root and the service's user in it", needsRoot, async (context) => {
  const map =
    "cat /proc/self/uid_map /proc/self/gid_map | tr -s ' '; id -u; id -g; stat -L -c %u /usr /proc/self";
  assert.deepEqual(await lines(context, map, { namespaces: ["user"], uid: 1234, gid: 567, groups: [9] }), [
    " 0 0 1",
    " 1234 1234 1",
    " 0 0 1",
    " 567 567 1",
    "1234",
    "567",
    "0",
    "1234",
  ]);
  assert.deepEqual(
    await lines(context, map, { namespaces: ["user", "mount"], mounts: [{ kind: "read-only", path: "/" }] }),
    [" 0 0 1", " 0 0 1", "0", "0", "0", "0"],
  );
  const status = "grep -E '^(CapEff|CapBnd|Groups|Seccomp):' /proc/self/status | tr -s '\\t ' ' '";
  assert.deepEqual(
    await lines(context, status, {
      namespaces: ["user"],
      uid: 1234,
      gid: 567,
      groups: [9],
      boundingCapabilities: 1n,
    }),
    ["Groups: 65534 ", "CapEff: 0000000000000000", "CapBnd: 0000000000000001", "Seccomp: 0"],
  );
});

test("who is not root gets a user namespace of its own before all others", needsRoot, async (context) => {
  const base = directory(context);
  chmodSync(base, 0o755);
  const helper = join(base, "spawn");
  copyFileSync(join(project.native(variant), "spawn"), helper);
  const unprivileged = ["setpriv", `--reuid=${nobody}`, `--regid=${nobody}`, "--clear-groups"];
  // The helper's own path ($0) may be in a directory that others may not enter.
  const script = `exec ${unprivileged.join(" ")} ${helper} "$@"`;
  const answers = await lines(
    context,
    "cat /proc/self/uid_map | tr -s ' '; id -u; (: > /tmp/x) 2>/dev/null || echo no",
    { namespaces: ["user", "mount", "network"], mounts: [{ kind: "read-only", path: "/" }] },
    ":",
    ["sh", "-c", script],
  );
  assert.deepEqual(answers, [` ${nobody} ${nobody} 1`, String(nobody), "no"]);
});

test("the host name is the program's own", needsRoot, async (context) => {
  assert.deepEqual(await lines(context, "hostname inner; hostname", { namespaces: ["uts"] }), ["inner"]);
  assert.notEqual(readlinkSync("/proc/self/ns/uts"), "");
});

test("the personality decides what machine the program sees", async (context) => {
  const expected = { x64: "i686", arm64: "armv8l" }[arch() as "x64" | "arm64"];
  const { stdout, failure } = await confined(context, { personality: 8, arguments: ["uname", "-m"] });
  assert.deepEqual([stdout, failure], [`${expected}\n`, undefined]);
});

/** One instruction: the machine's sock_filter. */
function program(
  ...instructions: readonly (readonly [code: number, yes: number, no: number, k: number])[]
): Uint8Array {
  const bytes = Buffer.alloc(8 * instructions.length);
  for (const [index, [code, yes, no, k]] of instructions.entries()) {
    bytes.writeUInt16LE(code, 8 * index);
    bytes.writeUInt8(yes, 8 * index + 2);
    bytes.writeUInt8(no, 8 * index + 3);
    bytes.writeUInt32LE(k, 8 * index + 4);
  }
  return bytes;
}
const load = [0x20, 0, 0, 0] as const; // the number of the call
const allow = [0x06, 0, 0, 0x7fff0000] as const;
const fail = (error: number) => [0x06, 0, 0, 0x00050000 | error] as const;
const kill = [0x06, 0, 0, 0x80000000] as const;
const numbers = {
  x64: { mkdirat: 258, mkdir: 83, write: 1, execve: 59 },
  arm64: { mkdirat: 34, mkdir: 34, write: 64, execve: 221 },
};
const { mkdirat, mkdir, write, execve } = numbers[arch() === "arm64" ? "arm64" : "x64"];
/** Lets all calls through but one. */
const without = (call: number, action: readonly [number, number, number, number]): Uint8Array =>
  program(load, [0x15, 0, 1, call], action, allow);

test("filters are in force for the program, all of them", needsRoot, async (context) => {
  const base = directory(context);
  const filters = [without(mkdir, fail(errno.ENOSPC)), without(mkdirat, fail(errno.ENOSPC))];
  const spec: Partial<SpawnSpec> = { systemCallFilters: filters };
  const script = `LC_ALL=C mkdir ${base}/x 2>&1 | sed 's/.*: //'; grep -E '^(Seccomp|NoNewPrivs):' /proc/self/status | tr -s '\\t' ' '`;
  assert.deepEqual(await lines(context, script, spec), [
    "No space left on device",
    "NoNewPrivs: 0",
    "Seccomp: 2",
  ]);
  assert.deepEqual(await lines(context, script, { ...spec, uid: nobody, noNewPrivileges: true }), [
    "No space left on device",
    "NoNewPrivs: 1",
    "Seccomp: 2",
  ]);
});

test("a failure is told behind filters that let nobody tell it", needsRoot, async (context) => {
  const silent: Partial<SpawnSpec> = {
    systemCallFilters: [without(write, kill)],
    environment: ["PATH=/usr/bin:/bin"],
  };
  const cases: readonly (readonly [Partial<SpawnSpec>, number, string])[] = [
    [{ arguments: ["/nowhere/x"] }, errno.ENOENT, "/nowhere/x"],
    [{ arguments: ["/etc/passwd"] }, errno.EACCES, "/etc/passwd"],
    [{ arguments: ["/usr"] }, errno.EACCES, "/usr"],
    [{ arguments: ["nowhere"] }, errno.ENOENT, "nowhere"],
  ];
  for (const [spec, error, text] of cases) {
    const outcome = await confined(context, { ...silent, ...spec });
    assert.deepEqual(outcome.failure, { stage: "exec", errno: error, text });
    assert.equal(outcome.executed, false);
  }
  const outcome = await confined(context, { ...silent, arguments: ["true"] });
  assert.deepEqual([outcome.failure, outcome.executed, outcome.code], [undefined, true, 0]);
  const killed = await confined(context, { ...silent, arguments: ["echo", "x"] });
  assert.deepEqual([killed.failure, killed.stdout], [undefined, ""]);
  assert.ok(killed.signal === "SIGSYS" || killed.code === 128 + signals.SIGSYS, JSON.stringify(killed));
});

test("filters that cannot be loaded are refused", needsRoot, async (context) => {
  const refused = (stage: string, error: number, text: string) => ({ stage, errno: error, text });
  assert.deepEqual(
    await refusal(context, { systemCallFilters: [without(mkdir, allow)], uid: nobody }),
    refused("filter", errno.EACCES, "system call filter 1"),
  );
  // Also where there is nothing to execute: that is how a daemon finds out.
  const probe: Partial<SpawnSpec> = { systemCallFilters: [without(mkdir, allow)], arguments: ["/"] };
  assert.equal((await refusal(context, { ...probe, uid: nobody }))?.stage, "filter");
  assert.equal((await refusal(context, { ...probe, uid: nobody, noNewPrivileges: true }))?.stage, "exec");
  assert.deepEqual(
    await refusal(context, { systemCallFilters: [without(mkdir, allow), program(load)] }),
    refused("filter", errno.EINVAL, "system call filter 2"),
  );
  for (const size of [0, 7, 8 * 4097])
    assert.deepEqual(
      await refusal(context, { systemCallFilters: [new Uint8Array(size)] }),
      refused("attribute", errno.EINVAL, `system call filter: ${size} bytes are no program`),
    );
  assert.deepEqual(
    await refusal(context, { systemCallFilters: [without(execve, fail(errno.EPERM))] }),
    refused("exec", errno.EPERM, "/bin/true"),
  );
});

test("namespaces that exclude each other are refused", async (context) => {
  const both = (name: string) => ({
    stage: "attribute",
    errno: errno.EINVAL,
    text: `${name} namespace: is either its own or another's`,
  });
  assert.deepEqual(
    await refusal(context, { namespaces: ["network"], networkNamespacePath: "/x" }),
    both("network"),
  );
  assert.deepEqual(await refusal(context, { namespaces: ["ipc"], ipcNamespacePath: "/x" }), both("ipc"));
});

test("attributes out of range are refused", async (context) => {
  const refused = async (fields: RawFields, error: number, text: string): Promise<void> => {
    const spec = Buffer.concat([encodeNames({}), rawFields([[2, "/bin/true"], ...fields])]);
    const { failure } = await runRaw(context, spec, { wrapper: own });
    assert.deepEqual(failure, { stage: "attribute", errno: error, text });
  };
  await refused([[64, 0n]], errno.EINVAL, "namespace: 0 is out of range");
  await refused([[64, 7n]], errno.EINVAL, "namespace: 7 is out of range");
  await refused([[67, 3n]], errno.EINVAL, "mount propagation: 3 is out of range");
  await refused([[70, 0xffff_ffffn]], errno.EINVAL, "personality: 4294967295 is out of range");
  await refused([[72, 1n]], errno.ENOSYS, "spec: attribute 72 is unknown");
  await refused([[63, 1n]], errno.ENOSYS, "spec: attribute 63 is unknown");
  const mount = (fields: RawFields): RawFields => [
    [64, 1n],
    [68, fields],
  ];
  await refused(mount([]), errno.EINVAL, "mount kind: missing");
  await refused(mount([[1, 11n]]), errno.EINVAL, "mount kind: 11 is out of range");
  await refused(mount([[1, 2n]]), errno.EINVAL, "mount read-only: needs a path");
  await refused(
    mount([
      [1, 10n],
      [2, "/dev"],
    ]),
    errno.EINVAL,
    "mount devices: takes no path",
  );
  await refused(
    mount([
      [1, 1n],
      [2, "/x"],
    ]),
    errno.EINVAL,
    "mount bind: needs a source",
  );
  await refused(
    mount([
      [1, 7n],
      [2, "/x"],
      [3, "/y"],
    ]),
    errno.EINVAL,
    "mount tmpfs: takes no source",
  );
  await refused(
    mount([
      [1, 2n],
      [2, "/x"],
      [4, "ro"],
    ]),
    errno.EINVAL,
    "mount read-only: takes no options",
  );
});

test("damaged specs of confinement never crash the helper", needsRoot, async (context) => {
  const good = Buffer.concat([
    encodeNames({}),
    encodeSpec({
      arguments: ["/bin/true"],
      namespaces: ["mount", "network", "ipc", "uts", "user"],
      mountPropagation: "private",
      mounts: [
        { kind: "bind", source: "/usr", path: "/mnt", recursive: true },
        { kind: "read-only", path: "/" },
        { kind: "tmpfs", path: "/tmp", options: "mode=1777,size=10%" },
        { kind: "inaccessible", path: "/home", optional: true },
        { kind: "devices" },
      ],
      personality: 8,
      systemCallFilters: [without(mkdir, allow)],
    }),
  ]);
  // What the file system of the machine might be changed by is read-only for the helper.
  const sealed = [
    ...own,
    "sh",
    "-c",
    'mount --bind -o ro / /mnt && mount --bind /proc /mnt/proc && exec chroot /mnt "$@"',
    "sh",
  ];
  for (let round = 0; round < 100; round += 1) {
    const bytes = Buffer.from(good);
    for (let hits = randomInt(1, 4); hits > 0; hits -= 1) bytes[randomInt(bytes.length)] = randomInt(256);
    const outcome = await runRaw(context, bytes, { wrapper: sealed });
    const told = outcome.failure !== undefined ? outcome.code === 127 : outcome.executed;
    assert.ok(told, `${bytes.toString("hex")}: ${JSON.stringify(outcome)}`);
    assert.doesNotMatch(outcome.stderr, /ERROR|runtime error|==\d+==/);
  }
});

test("the helper can be executed to do nothing", async () => {
  const { status, stdout, stderr } = await execute(join(project.native(variant), "spawn"), ["--nothing"]);
  assert.deepEqual([status, stdout, stderr], [0, "", ""]);
});
