// Whole activations and boots, below a directory that stands for the root of the file system: what they make, that a second
// one changes nothing, and what is said where something fails.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmod, chown, mkdir, readdir, readlink, rm, stat, symlink } from "node:fs/promises";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { activate, boot } from "../../../src/services/activation/activate.js";
import { pruneStoredFiles } from "../../../src/services/activation/stored-files.js";
import { type Service, service, simpleService } from "../../../src/services/composition/service-type.js";
import { accountServiceType, userAccount, userGroup } from "../../../src/services/essential/account.js";
import {
  type ActivationSnippet,
  activationServiceType,
  directoryStep,
  fileStep,
  removeStep,
  runStep,
  symlinkStep,
} from "../../../src/services/essential/activation.js";
import { etcServiceType } from "../../../src/services/essential/etc.js";
import {
  privilegedProgram,
  privilegedProgramServiceType,
} from "../../../src/services/essential/privileged-programs.js";
import { specialFilesServiceType } from "../../../src/services/essential/special-files.js";
import { fileUnion } from "../../../src/services/files/entries.js";
import { filePath, plainFile } from "../../../src/services/files/file-like.js";
import { writeTree } from "../../../src/services/files/write-tree.js";
import { type OperatingSystemOptions, operatingSystem } from "../../../src/services/operating-system.js";
import { systemTree } from "../../../src/services/system-directory.js";
import { needsRoot, type TemporaryRoot, withRoot } from "../support.js";

const torrc = plainFile("torrc", "SocksPort 0\n");

const snippet = (name: string, steps: ActivationSnippet["steps"]): Service =>
  simpleService(name, activationServiceType, [{ name, steps }]);

interface Activated {
  readonly failures: readonly { readonly snippet: string; readonly error: string }[];
  readonly lines: readonly string[];
}

/** Builds a system below the root, and activates it. */
async function activated(
  root: TemporaryRoot,
  services: readonly Service[],
  name = "system",
  more: OperatingSystemOptions = {},
): Promise<Activated> {
  const directory = root.path(name);
  await rm(directory, { recursive: true, force: true });
  await writeTree(systemTree(operatingSystem({ services, ...more })), directory);
  const lines: string[] = [];
  const failures = await activate(directory, { root: root.root, log: (line) => lines.push(line) });
  return { failures, lines };
}

const services: readonly Service[] = [
  snippet("tor", [
    directoryStep("/var/run/tor", { mode: 0o750, owner: "tor" }),
    directoryStep("/var/lib/tor", { mode: 0o700, owner: "tor", group: "tor" }),
    directoryStep("/var/lib/tor/hidden-services/web", { mode: 0o700, owner: "tor", group: "tor" }),
    fileStep("/etc/tor/torrc", { source: torrc }, { mode: 0o640, group: "tor" }),
    fileStep("/var/lib/note", "text"),
    symlinkStep("/opt/tor", "/usr/bin/tor"),
    removeStep("/var/lib/old"),
  ]),
  simpleService("tor-accounts", accountServiceType, [
    userGroup({ name: "tor", system: true }),
    userAccount({
      name: "tor",
      group: "tor",
      system: true,
      homeDirectory: "/var/empty",
      shell: "/bin/false",
    }),
  ]),
  simpleService("motd", etcServiceType, [
    ["motd", plainFile("motd", "Welcome!\n")],
    ["sudoers", plainFile("sudoers", "root ALL=(ALL) ALL\n")],
    ["conf.d", fileUnion({ "a/b.conf": plainFile("b.conf", "b\n") })],
    ["kept", fileUnion({ ours: plainFile("ours", "ours\n") })],
    ["link", "/usr/bin/tool"],
  ]),
  simpleService("programs", privilegedProgramServiceType, [
    privilegedProgram({ program: "/usr/bin/tool", setuid: true }),
    privilegedProgram({ program: "/usr/bin/other", setgid: true, group: "tor" }),
  ]),
  service(specialFilesServiceType, [["/lib/special", torrc]]),
];

async function prepared(use: (root: TemporaryRoot) => Promise<void>): Promise<void> {
  await withRoot(async (root) => {
    await root.write("usr/bin/tool", "#!tool");
    await root.write("usr/bin/other", "#!other");
    await root.write("etc/kept/theirs", "theirs\n");
    await root.write("etc/motd", "Debian's\n");
    await root.write("var/lib/old/file", "");
    await mkdir(root.path("run"));
    await symlink("/run", root.path("var/run"));
    await use(root);
  });
}

async function described(root: TemporaryRoot, name: string): Promise<string> {
  const { mode, uid, gid } = await stat(root.path(name));
  return `${(mode & 0o7777).toString(8)} ${uid}:${gid}`;
}

describe("activation", { skip: needsRoot }, () => {
  it("makes accounts, directories, files and links, and none of them a second time", () =>
    prepared(async (root) => {
      assert.deepEqual(await activated(root, services), { failures: [], lines: [] });
      const [, , uid, gid] =
        (await root.read("etc/passwd"))
          .split("\n")
          .find((line) => line.startsWith("tor:"))
          ?.split(":") ?? [];
      assert.equal(await described(root, "run/tor"), `750 ${uid}:${gid}`);
      assert.equal(await described(root, "var/lib/tor/hidden-services/web"), `700 ${uid}:${gid}`);
      assert.equal(await described(root, "var/lib/tor/hidden-services"), "755 0:0");
      assert.equal(await described(root, "etc/tor/torrc"), `640 0:${gid}`);
      assert.equal(await root.read("etc/tor/torrc"), "SocksPort 0\n");
      assert.equal(await root.read("var/lib/note"), "text");
      assert.equal(await readlink(root.path("opt/tor")), "/usr/bin/tor");
      await assert.rejects(stat(root.path("var/lib/old")), { code: "ENOENT" });
      assert.equal(await described(root, "var/empty"), "555 0:0");
      // Files of the configuration are where services look for them.
      assert.equal(await root.read(filePath(torrc)), "SocksPort 0\n");
      assert.equal(await described(root, filePath(torrc)), "444 0:0");
      assert.equal(await readlink(root.path("lib/special")), filePath(torrc));
      assert.equal(await readlink(root.path("run/current-system")), "/system");
      for (const name of ["run/utmpx", "var/log/wtmp"]) assert.equal(await described(root, name), "644 0:0");

      const before = await root.listing({ exact: true });
      // By a link, too, which would otherwise point at itself afterwards.
      await symlink("../system", root.path("var/link"));
      before["var/link"] = (await root.listing({ exact: true }))["var/link"] ?? "";
      assert.deepEqual(await activate(root.path("var/link"), { root: root.root, log: assert.fail }), []);
      assert.deepEqual(await root.listing({ exact: true }), before);
    }));

  it("fills /etc, and leaves there what is not the system's", () =>
    prepared(async (root) => {
      await activated(root, services);
      assert.equal(await readlink(root.path("etc/static")), "/system/etc");
      assert.equal(await root.read("etc/motd"), "Welcome!\n");
      assert.equal(await described(root, "etc/motd"), "444 0:0");
      assert.equal(await described(root, "etc/sudoers"), "440 0:0");
      assert.equal(await readlink(root.path("etc/conf.d")), "/etc/static/conf.d");
      assert.deepEqual(await readdir(root.path("etc/kept")), ["ours", "theirs"]);
      assert.equal(await readlink(root.path("etc/link")), "/usr/bin/tool");
      const shells = await root.read("etc/shells");
      assert.equal(
        shells,
        "/bin/sh\n/run/current-system/profile/bin/sh\n/run/current-system/profile/bin/bash\n/bin/bash\n/usr/sbin/nologin\n/bin/false\n",
      );
      // Another system: links to directories that it does not have go.
      await activated(root, [], "other");
      assert.equal(await readlink(root.path("etc/static")), "/other/etc");
      await assert.rejects(readlink(root.path("etc/conf.d")), { code: "ENOENT" });
      assert.deepEqual(await readdir(root.path("etc/kept")), ["ours", "theirs"]);
      assert.doesNotMatch(await root.read("etc/passwd"), /^tor:/m);
    }));

  it("copies programs with privileges, those of the system only", () =>
    prepared(async (root) => {
      await activated(root, services);
      const gid = (await root.read("etc/group")).match(/^tor:x:(\d+):/m)?.[1];
      assert.equal(await described(root, "run/privileged/bin/tool"), "4555 0:0");
      assert.equal(await described(root, "run/privileged/bin/other"), `2555 0:${gid}`);
      assert.equal(await readlink(root.path("run/setuid-programs/tool")), "/run/privileged/bin/tool");
      const { lines, failures } = await activated(
        root,
        [
          simpleService("programs", privilegedProgramServiceType, [
            privilegedProgram({ program: "/usr/bin/missing", setuid: true }),
            privilegedProgram({ program: "/usr/bin/other", setuid: true }),
          ]),
        ],
        "other",
      );
      assert.deepEqual(failures, []);
      assert.deepEqual(lines, [
        "warning: failed to privilege /usr/bin/missing: /usr/bin/missing: No such file or directory",
      ]);
      assert.deepEqual(await readdir(root.path("run/privileged/bin")), ["other"]);
      assert.deepEqual(await readdir(root.path("run/setuid-programs")), ["other"]);
      assert.equal(await described(root, "run/privileged/bin/other"), "4555 0:0");
    }));

  it("goes on after what fails, and says what, to what, and why", () =>
    prepared(async (root) => {
      await mkdir(root.path("in-the-way"));
      const { failures, lines } = await activated(root, [
        snippet("first", [directoryStep("/made/first")]),
        snippet("missing-source", [fileStep("/a", { source: "/none" }), directoryStep("/not/made")]),
        snippet("unknown-user", [directoryStep("/b", { owner: "stranger" })]),
        snippet("directory-in-the-way", [symlinkStep("/in-the-way", "x")]),
        snippet("failing-program", [runStep(["/none/program"])]),
        simpleService("dangling", etcServiceType, [["dangling", "/none/file"]]),
        snippet("last", [directoryStep("/made/last")]),
      ]);
      const byName = new Map(failures.map(({ snippet: name, error }) => [name, error]));
      const exact: Readonly<Record<string, string>> = {
        etc: "/etc/dangling: would point to /none/file, which does not exist",
        "directory-in-the-way": `${root.path("in-the-way")}: a directory is where a link is to be`,
        "unknown-user": 'user "stranger" does not exist',
        "missing-source": "/none: No such file or directory",
      };
      for (const [name, error] of Object.entries(exact)) assert.equal(byName.get(name), error);
      assert.match(
        byName.get("failing-program") ?? "",
        /^\/none\/program has exited with 127:\n.*No such file or directory/s,
      );
      assert.equal(failures.length, 5, JSON.stringify(failures));
      for (const { snippet: name, error } of failures) {
        const place = lines.indexOf(`failed to activate '${name}'`);
        assert.equal(lines[place - 1], `error: ${error}`);
      }
      // The rest was done; what comes after a failure in the same snippet was not.
      assert.deepEqual(await readdir(root.path("made")), ["first", "last"]);
      await assert.rejects(stat(root.path("not")), { code: "ENOENT" });
    }));

  it("is not led astray by a user's links", () =>
    prepared(async (root) => {
      await activated(root, services);
      const uid = Number((await root.read("etc/passwd")).match(/^tor:x:(\d+):/m)?.[1]);
      await rm(root.path("var/lib/tor/hidden-services"), { recursive: true });
      await symlink("/etc", root.path("var/lib/tor/hidden-services"));
      await chown(root.path("var/lib/tor"), uid, uid);
      const before = await described(root, "etc");
      const failures = await activate(root.path("system"), { root: root.root, log: () => undefined });
      assert.deepEqual(
        failures.map(({ snippet: name }) => name),
        ["tor"],
      );
      assert.match(
        failures[0]?.error ?? "",
        /a symbolic link that others than root can have put there is not followed$/,
      );
      assert.equal(await described(root, "etc"), before);
      await assert.rejects(stat(root.path("etc/web")), { code: "ENOENT" });
    }));

  it("refuses a directory that is no system, or one of another version", () =>
    withRoot(async (root) => {
      const options = { root: root.root, log: assert.fail };
      await assert.rejects(activate(root.path("none"), options), {
        message: `${root.path("none")}: No such file or directory`,
      });
      await mkdir(root.path("empty"));
      await assert.rejects(activate(root.path("empty"), options), {
        message: `${root.path("empty")}/activation.json: No such file or directory`,
      });
      await root.write("system/activation.json", "{");
      await assert.rejects(activate(root.path("system"), options), /activation\.json: not JSON$/);
      await root.write("system/activation.json", '{"version": 2, "snippets": []}');
      await assert.rejects(
        activate(root.path("system"), options),
        /expected version 1 of the format, got 2$/,
      );
      await root.write("system/activation.json", '{"version": 1, "snippets": [{"name": "a"}]}');
      await assert.rejects(activate(root.path("system"), options), /expected a list of snippets/);
      await root.write(
        "system/activation.json",
        '{"version": 1, "snippets": [{"name": "a", "steps": [{"step": "new"}]}]}',
      );
      const lines: string[] = [];
      assert.deepEqual(
        await activate(root.path("system"), { root: root.root, log: (line) => lines.push(line) }),
        [{ snippet: "a", error: 'unknown step "new"' }],
      );
      assert.deepEqual(lines, ['error: unknown step "new"', "failed to activate 'a'"]);
    }));
});

describe("files of configurations", () => {
  it("stay as long as a system has them", () =>
    withRoot(async (root) => {
      const one = snippet("one", [fileStep("/one", { source: plainFile("one", "1") })]);
      const two = snippet("two", [fileStep("/two", { source: plainFile("two", "2") })]);
      await activated(root, [one], "a");
      await activated(root, [one, two], "b");
      const names = async () =>
        (await readdir(root.path("var/lib/shepherd/files"))).map((name) => name.slice(33)).sort();
      const all = await names();
      assert.ok(all.includes("one") && all.includes("two"), all.join());
      await pruneStoredFiles(root, [root.path("a"), root.path("b")]);
      assert.deepEqual(await names(), all);
      await pruneStoredFiles(root, [root.path("a")]);
      assert.deepEqual(
        await names(),
        all.filter((name) => name !== "two"),
      );
      assert.equal(await root.read(filePath(plainFile("one", "1"))), "1");
    }));

  it("are put right where they were damaged", () =>
    withRoot(async (root) => {
      const services = [snippet("one", [fileStep("/one", { source: torrc })])];
      await activated(root, services);
      await chmod(root.path(filePath(torrc)), 0o644);
      await root.write(filePath(torrc), "damaged");
      await activate(root.path("system"), { root: root.root, log: () => undefined });
      assert.equal(await root.read(filePath(torrc)), "SocksPort 0\n");
    }));
});

describe("boot", { skip: needsRoot }, () => {
  it("cleans up first, activates, and says who supervises", () =>
    prepared(async (root) => {
      await root.write("tmp/.X1-lock", "");
      await root.write("run/stale/socket", "");
      await root.write("etc/passwd.lock", `${process.ppid}\0`);
      await root.write("etc/.pwd.lock", "");
      await writeTree(systemTree(operatingSystem({ services })), root.path("system"));
      const result = await boot(root.path("system"), { root: root.root, log: assert.fail, cleanup: true });
      assert.deepEqual(result, { failures: [] });
      assert.deepEqual(await readdir(root.path("tmp")), []);
      assert.equal(await described(root, "tmp"), "1777 0:0");
      assert.equal(await described(root, "run/lock"), "1777 0:0");
      assert.deepEqual(await readdir(root.path("run")), [
        "current-system",
        "lock",
        "privileged",
        "setuid-programs",
        "tor",
        "utmpx",
      ]);
      assert.ok(!(await readdir(root.path("etc"))).some((name) => name.endsWith(".lock")));
    }));

  it("does not clean up where it is not the first process: others live there", () =>
    prepared(async (root) => {
      await root.write("tmp/file", "");
      await writeTree(systemTree(operatingSystem({ services: [] })), root.path("system"));
      assert.deepEqual(await boot(root.path("system"), { root: root.root, log: assert.fail }), {
        failures: [],
      });
      assert.deepEqual(await readdir(root.path("tmp")), ["file"]);
      assert.equal(await readlink(root.path("run/current-system")), "/system");
    }));
});

const unshare = ["--mount", "--pid", "--fork", "--mount-proc", "--kill-child"];
const mounting = fileURLToPath(new URL("mounting.js", import.meta.url));

describe("what a container runtime has mounted", { skip: needsRoot }, () => {
  it("is written in place, and not cleaned up", () =>
    prepared(async (root) => {
      await writeTree(
        systemTree(
          operatingSystem({
            services: [simpleService("hosts", etcServiceType, [["hosts", plainFile("hosts", "new\n")]])],
          }),
        ),
        root.path("system"),
      );
      const { stdout } = await promisify(execFile)("unshare", [
        ...unshare,
        process.execPath,
        mounting,
        root.root,
      ]);
      assert.deepEqual(JSON.parse(stdout), {
        lines: [],
        failures: [],
        hosts: "new\n",
        // The file that is mounted, and not another one in its place.
        same: true,
        secrets: ["key"],
        run: ["current-system", "lock", "privileged", "secrets", "setuid-programs", "utmpx"],
        deep: ["mounted"],
      });
    }));
});
