// The spawn helper's mounts and roots: what the program sees of the file system, and what of it can be changed.

import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { MountAction, SpawnSpec } from "../../../src/daemon/keeper/types.js";
import { lines, needsRoot, refusal } from "./confinement.js";
import { directory } from "./helper.js";

const { errno } = constants;

const mounted = (...mounts: readonly MountAction[]): Partial<SpawnSpec> => ({
  namespaces: ["mount"],
  mounts,
});
/** A script that says for each path whether something can be made there. */
const writable = (...paths: readonly string[]): string =>
  paths.map((path) => `(: > ${path}/probe) 2>/dev/null && echo yes || echo no`).join(";");

/** Directories below one of the test's own. */
function tree(context: TestContext, ...paths: readonly string[]): string {
  const base = directory(context);
  chmodSync(base, 0o755);
  for (const path of paths) mkdirSync(join(base, path), { recursive: true });
  return base;
}

test("what is read-only stays so below, but for what is exempt", needsRoot, async (context) => {
  const base = tree(context, "a/b/c", "a/d", "plain");
  const answers = await lines(
    context,
    writable(`${base}/a`, `${base}/a/d`, `${base}/a/b`, `${base}/a/b/c`, `${base}/plain`, "/dev/shm"),
    mounted(
      { kind: "read-only", path: `${base}/a` },
      { kind: "read-write", path: `${base}/a/b` },
      { kind: "read-only", path: `${base}/a/b/c` },
      { kind: "read-only", path: "/nowhere/at/all", optional: true },
      { kind: "read-write", path: "/etc/passwd/x", optional: true },
    ),
    `mount -t tmpfs none ${base}/a/d`,
  );
  assert.deepEqual(answers, ["no", "no", "yes", "no", "yes", "yes"]);
});

test("everything can be read-only", needsRoot, async (context) => {
  const base = tree(context, "x");
  const answers = await lines(
    context,
    writable(base, `${base}/x`, "/etc", "/dev/shm", "/run"),
    mounted({ kind: "read-only", path: "/" }, { kind: "read-write", path: `${base}/x` }),
  );
  assert.deepEqual(answers, ["no", "yes", "no", "no", "no"]);
});

test("an exemption makes nothing writable that was not", needsRoot, async (context) => {
  const base = tree(context, "a/was/below");
  const answers = await lines(
    context,
    writable(`${base}/a`, `${base}/a/was`, `${base}/a/was/below`),
    mounted({ kind: "read-only", path: "/" }, { kind: "read-write", path: `${base}/a` }),
    // Not the file system, only the mount.
    `mount --bind ${base}/a/was ${base}/a/was; mount -o remount,bind,ro ${base}/a/was`,
  );
  assert.deepEqual(answers, ["yes", "no", "no"]);
});

test(
  "a mount which another one hides is left alone, and names are taken as they are",
  needsRoot,
  async (context) => {
    const base = tree(context, "a/hidden", "with space/b", "back\\slash");
    const answers = await lines(
      context,
      writable(`${base}/a`, `"${base}/with space/b"`, `'${base}/back\\slash'`),
      mounted({ kind: "read-only", path: base }),
      `mount -t tmpfs none ${base}/a/hidden; mount -t tmpfs none ${base}/a; mkdir ${base}/a/hidden
     mount -t tmpfs none "${base}/with space/b"
     mount -t tmpfs none '${base}/back\\slash'`,
    );
    assert.deepEqual(answers, ["no", "no", "no"]);
  },
);

test("symbolic links are followed", needsRoot, async (context) => {
  const base = tree(context, "real/below");
  symlinkSync("real", join(base, "link"));
  const answers = await lines(
    context,
    writable(`${base}/real/below`),
    mounted({ kind: "read-only", path: `${base}/link` }),
  );
  assert.deepEqual(answers, ["no"]);
});

test("execution is closed and opened", needsRoot, async (context) => {
  const base = tree(context, "a/b", "a/never");
  for (const path of ["a", "a/b"]) {
    writeFileSync(join(base, path, "run"), "#!/bin/sh\necho ran\n");
    chmodSync(join(base, path, "run"), 0o755);
  }
  const script = `for at in a a/b a/never; do ${base}/$at/run 2>/dev/null || echo refused; done`;
  const fill = `mount -t tmpfs -o noexec none ${base}/a/never; cp ${base}/a/run ${base}/a/never/run`;
  assert.deepEqual(
    await lines(
      context,
      script,
      mounted({ kind: "no-exec", path: base }, { kind: "exec", path: `${base}/a/b` }),
      fill,
    ),
    ["refused", "ran", "refused"],
  );
  assert.deepEqual(await lines(context, script, mounted({ kind: "exec", path: `${base}/a/never` }), fill), [
    "ran",
    "ran",
    "ran",
  ]);
});

test("a bind shows its source as it was before", needsRoot, async (context) => {
  const base = tree(context, "home/user/below", "target");
  writeFileSync(join(base, "home/user/file"), "of the user\n");
  const bound = (recursive: boolean) =>
    mounted(
      { kind: "read-only", path: "/" },
      { kind: "tmpfs", path: `${base}/home` },
      { kind: "bind", source: `${base}/home/user`, path: `${base}/home/user`, recursive },
      { kind: "bind", source: `${base}/nothing`, path: `${base}/not/made`, optional: true },
      { kind: "bind", source: "/etc/hostname", path: `${base}/home/made/at/last` },
    );
  const script = `ls ${base}/home; cat ${base}/home/user/file; ls ${base}/home/user/below; test -f ${base}/home/made/at/last
    ls ${base}; ${writable(`${base}/home/user`, base)}`;
  const fill = `mount -t tmpfs none ${base}/home/user/below; : > ${base}/home/user/below/mounted`;
  assert.deepEqual(await lines(context, script, bound(true), fill), [
    "made",
    "user",
    "of the user",
    "mounted",
    "home",
    "target",
    "yes",
    "no",
  ]);
  assert.deepEqual(await lines(context, `ls ${base}/home/user/below`, bound(false), fill), []);
  // Nothing of it reached the file system outside.
  assert.deepEqual(readdirSync(join(base, "home")), ["user"]);
});

test("what is inaccessible is empty and of the same kind", needsRoot, async (context) => {
  const base = tree(context, "dir/full");
  writeFileSync(join(base, "file"), "secret\n");
  const make = `mkfifo ${base}/fifo; cp -a /dev/null ${base}/device; cd ${base}
    python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("socket")'`;
  const names = ["dir", "file", "fifo", "device", "socket"];
  const inaccessible: MountAction[] = names.map((name) => ({ kind: "inaccessible", path: join(base, name) }));
  const answers = await lines(
    context,
    `cd ${base}; for name in ${names.join(" ")}; do stat -c '%F %a %s' $name; done; ls dir; cat file; ${writable(`${base}/dir`)}
     (: < device) 2>/dev/null || echo closed; grep -c ' / / ' /proc/self/mountinfo`,
    mounted(...inaccessible, { kind: "inaccessible", path: `${base}/none`, optional: true }),
    make,
  );
  assert.deepEqual(answers, [
    "directory 0 40",
    "regular empty file 0 0",
    "fifo 0 0",
    "character special file 0 0",
    "socket 0 0",
    "no",
    "closed",
    "1",
  ]);
});

test("a tmpfs has the options that it is given", needsRoot, async (context) => {
  const base = tree(context, "plain", "sealed");
  const answers = await lines(
    context,
    `stat -f -c '%T %b*%S' ${base}/plain; stat -c %a ${base}/plain ${base}/made; ls ${base}/sealed
     ${writable(`${base}/plain`, `${base}/sealed`, `${base}/sealed/in/it`)}
     awk '$5 ~ "^${base}/(plain|sealed)$" { print $6 }' /proc/self/mountinfo`,
    mounted(
      { kind: "tmpfs", path: `${base}/plain`, options: "mode=0701,size=64k,nosuid,nodev,noexec,strictatime" },
      { kind: "tmpfs", path: `${base}/sealed`, options: "ro,nosuid" },
      { kind: "bind", source: `${base}/plain`, path: `${base}/sealed/in/it` },
      { kind: "tmpfs", path: `${base}/made`, options: "mode=0755" },
      { kind: "tmpfs", path: `${base}/none`, optional: true },
    ),
  );
  assert.deepEqual(answers, [
    "tmpfs 16*4096",
    "701",
    "755",
    "in",
    "yes",
    "no",
    "yes",
    "rw,nosuid,nodev,noexec",
    "ro,nosuid,relatime",
  ]);
  assert.deepEqual(await refusal(context, mounted({ kind: "tmpfs", path: base, options: "nonsense=1" })), {
    stage: "mount",
    errno: errno.EINVAL,
    text: `tmpfs ${base}: nonsense=1`,
  });
});

test("other processes and message queues are hidden", needsRoot, async (context) => {
  const base = tree(context);
  const answers = await lines(
    context,
    `pid=$(cat ${base}/pid); ls -d /proc/$$ /proc/$pid /proc/meminfo 2>&1 | sed "s/.*: //; s/$$/SELF/"`,
    {
      ...mounted({ kind: "proc", path: "/proc", options: "hidepid=invisible,subset=pid" }),
      uid: 65534,
      gid: 65534,
    },
    `sleep 1000 > ${base}/out 2>&1 & echo $! > ${base}/pid`,
  );
  const missing = "No such file or directory";
  assert.deepEqual(answers, [missing, missing, "/proc/SELF"]);
  const queues = await lines(context, "ls /dev/mqueue; stat -f -c %t /dev/mqueue", {
    namespaces: ["mount", "ipc"],
    mounts: [{ kind: "devices" }, { kind: "mqueue", path: "/dev/mqueue" }],
  });
  assert.deepEqual(queues, ["19800202"]);
});

test("a /dev of its own has no hardware in it", needsRoot, async (context) => {
  const answers = await lines(
    context,
    `cd /dev; ls -x -w 200; for name in null zero full random urandom tty; do stat -c '%n %F %a %t:%T' $name; done
     echo gone > null; head -c 3 zero | od -An -tx1; test -c ptmx && echo ptmx; ls fd/0; readlink fd stdout
     ${writable("/dev", "/dev/shm")}; mknod /dev/shm/disk b 8 0 && echo made
     awk '$5 == "/dev" { print $6 }' /proc/self/mountinfo | tail -n 1; cat log/x 2>&1 | sed 's/.*: //'`,
    mounted({ kind: "devices" }),
    "rm -f /tmp/.never; mount -t tmpfs none /dev/shm",
  );
  const [names = "", ...rest] = answers;
  const expected = "core fd full null ptmx pts random shm stderr stdin stdout tty urandom zero".split(" ");
  for (const name of expected) assert.ok(names.split(/\s+/).includes(name), `${name}: ${names}`);
  assert.ok(!/vda|sda|kmsg|mem|loop|tty1/.test(names), names);
  assert.deepEqual(rest.slice(0, 13), [
    "null character special file 666 1:3",
    "zero character special file 666 1:5",
    "full character special file 666 1:7",
    "random character special file 666 1:8",
    "urandom character special file 666 1:9",
    "tty character special file 666 5:0",
    " 00 00 00",
    "ptmx",
    "fd/0",
    "/proc/self/fd",
    "/proc/self/fd/1",
    "no",
    "yes",
  ]);
  assert.deepEqual(rest.slice(13, 15), ["made", "ro,nosuid,noexec"]);
});

test("a program in a /dev of its own reaches the system log", needsRoot, async (context) => {
  const base = tree(context, "dev/pts", "dev/shm");
  const talk = (call: string): string =>
    `python3 -c 'import socket; s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.${call}("/dev/log")'`;
  const fill = (log: string) =>
    `cp -a /dev/null /dev/zero ${base}/dev; mount --bind ${base}/dev /dev; ${log}`;
  const devices = mounted({ kind: "devices" });
  // The socket is one whose other end has gone, so it is found, and refuses.
  assert.deepEqual(
    await lines(
      context,
      `${talk("connect")} 2>&1 | tail -n 1 | cut -d: -f1; ls /dev`,
      devices,
      fill(talk("bind")),
    ),
    ["ConnectionRefusedError", ..."core fd log null pts shm stderr stdin stdout zero".split(" ")],
  );
  assert.deepEqual(
    await lines(context, "readlink /dev/log", devices, fill("rm -f /dev/log; ln -s /run/elsewhere /dev/log")),
    ["/run/elsewhere"],
  );
});

test("another directory becomes the root", needsRoot, async (context) => {
  const base = tree(context, "inner/etc", "inner/tmp", "outer");
  writeFileSync(join(base, "inner/etc/name"), "inner\n");
  symlinkSync("/../../../../../../etc", join(base, "inner/escape"));
  const usr: MountAction[] = ["/usr", "/bin", "/lib", "/lib64", "/proc"].map((path) => ({
    kind: "bind",
    source: path,
    path,
    recursive: true,
    optional: true,
  }));
  const script = `pwd; cat /etc/name; ls /; ls -d ${base} 2>&1 | sed 's/.*: //'; ${writable("/etc", "/tmp")}; cat /escape/only`;
  const answers = await lines(context, script, {
    ...mounted(
      ...usr,
      { kind: "devices" },
      { kind: "read-only", path: "/" },
      { kind: "read-write", path: "/tmp" },
      // The link leads out of the root for everybody but those who are in it.
      { kind: "bind", source: join(base, "inner/etc/name"), path: "/escape/only" },
    ),
    rootDirectory: join(base, "inner"),
    directory: "/etc",
  });
  assert.deepEqual(answers, [
    "/etc",
    "inner",
    "bin",
    "dev",
    "escape",
    "etc",
    "lib",
    "lib64",
    "proc",
    "tmp",
    "usr",
    "No such file or directory",
    "no",
    "yes",
    "inner",
  ]);
});

test("the root can be empty but for some directories", needsRoot, async (context) => {
  const answers = await lines(
    context,
    "ls /; touch /x 2>&1 | sed 's/.*: //'; grep -c ' / / ' /proc/self/mountinfo",
    mounted(
      { kind: "tmpfs", path: "/", options: "ro,mode=0755" },
      ...["/usr", "/bin", "/lib", "/lib64", "/proc"].map(
        (path): MountAction => ({ kind: "bind", source: path, path, recursive: true, optional: true }),
      ),
    ),
  );
  assert.deepEqual(answers, ["bin", "lib", "lib64", "proc", "usr", "Read-only file system", "1"]);
});

test("a root without a mount namespace of its own", needsRoot, async (context) => {
  const base = tree(context, "inner/usr", "inner/lib", "inner/lib64");
  const answers = await lines(
    context,
    "pwd; /usr/bin/ls /",
    { rootDirectory: join(base, "inner"), arguments: ["/usr/bin/sh", "-c", "pwd; /usr/bin/ls /"] },
    `for at in usr lib lib64; do mount --rbind /$at ${base}/inner/$at; done`,
  );
  assert.deepEqual(answers, ["/", "lib", "lib64", "usr"]);
  assert.deepEqual(await refusal(context, { rootDirectory: "/nowhere" }), {
    stage: "root",
    errno: errno.ENOENT,
    text: "/nowhere",
  });
});

test("a keeper that was started by chroot(1) has no root to leave", needsRoot, async (context) => {
  const base = tree(context, "machine", "inner/usr", "inner/lib", "inner/lib64", "inner/proc", "inner/tmp");
  // What the machine's root is mounted on is shared, which keeps it from being left.
  for (const shared of [true, false]) {
    const answers = await lines(
      context,
      "",
      {
        ...mounted(
          ...["/usr", "/lib", "/lib64", "/proc"].map(
            (path): MountAction => ({ kind: "bind", source: path, path, recursive: true, optional: true }),
          ),
          { kind: "read-only", path: "/" },
          { kind: "tmpfs", path: "/tmp" },
        ),
        rootDirectory: `${base}/inner`,
        arguments: ["/usr/bin/sh", "-c", "ls /; touch /tmp/x; touch /x 2>&1 | sed 's/.*: //'"],
      },
      `${shared ? "mount --make-shared /; " : ""}mount --rbind / ${base}/machine`,
      ["chroot", `${base}/machine`],
    );
    assert.deepEqual(answers, ["lib", "lib64", "proc", "tmp", "usr", "Read-only file system"]);
  }
});

test("mounts that are made later are seen or not", needsRoot, async (context) => {
  const base = tree(context, "a");
  const optional = (how: SpawnSpec["mountPropagation"]) =>
    lines(
      context,
      `awk '$5 == "${base}/a" { for (i = 7; $i != "-"; i++) printf "%s ", substr($i, 1, index($i, ":") - 1); print "." }' /proc/self/mountinfo`,
      { namespaces: ["mount"], ...(how === undefined ? {} : { mountPropagation: how }) },
      `mount -t tmpfs none ${base}/a; mount --make-shared ${base}/a`,
    );
  assert.deepEqual(await optional(undefined), ["master ."]);
  assert.deepEqual(await optional("slave"), ["master ."]);
  assert.deepEqual(await optional("private"), ["."]);
  assert.deepEqual(await optional("shared"), ["shared master ."]);
});

test("a program may be allowed fewer descriptors than its mounts take", needsRoot, async (context) => {
  const base = tree(context, "source");
  const mounts = Array.from(
    { length: 30 },
    (_, index): MountAction => ({
      kind: "bind",
      source: `${base}/source`,
      path: `${base}/target/${index}`,
    }),
  );
  const answers = await lines(context, `ulimit -n; ulimit -Hn; ls ${base}/target | wc -l; ls /proc/self/fd`, {
    ...mounted({ kind: "tmpfs", path: `${base}/target` }, ...mounts),
    limits: [{ resource: 7, soft: 8, hard: 100 }],
    umask: 0o077,
  });
  assert.deepEqual(answers, ["8", "100", "30", "0", "1", "2", "3"]);
  assert.deepEqual(
    await lines(context, `umask; stat -c %a ${base}/target/made`, {
      ...mounted(
        { kind: "tmpfs", path: `${base}/target` },
        { kind: "tmpfs", path: `${base}/target/made/below` },
      ),
      umask: 0o077,
    }),
    ["0077", "755"],
  );
});

test("a failure says what was mounted where", needsRoot, async (context) => {
  const missing = (text: string) => ({ stage: "mount", errno: errno.ENOENT, text });
  const cases: readonly (readonly [MountAction, string])[] = [
    [{ kind: "bind", source: "/nowhere", path: "/tmp" }, "bind /nowhere"],
    [{ kind: "read-only", path: "/nowhere" }, "/nowhere"],
    [{ kind: "inaccessible", path: "/nowhere" }, "inaccessible /nowhere"],
  ];
  for (const [action, text] of cases)
    assert.deepEqual(await refusal(context, mounted(action)), missing(text));
  const file = await refusal(context, mounted({ kind: "bind", source: "/etc/hostname", path: "/tmp" }));
  assert.deepEqual([file?.stage, file?.text], ["mount", "bind /tmp"]);
});

test("mounts that cannot be meant are refused before anything is done", async (context) => {
  const refused = async (spec: Partial<SpawnSpec>, text: string): Promise<void> =>
    assert.deepEqual(await refusal(context, spec), { stage: "attribute", errno: errno.EINVAL, text });
  await refused({ mounts: [{ kind: "devices" }] }, "mount: needs a mount namespace");
  await refused({ mountPropagation: "private" }, "mount: needs a mount namespace");
  await refused(mounted({ kind: "read-only", path: "etc" }), "mount: etc is not an absolute path");
  await refused(mounted({ kind: "bind", source: "x", path: "/etc" }), "mount: x is not an absolute path");
  await refused({ rootDirectory: "x" }, "root directory: x is not an absolute path");
});
