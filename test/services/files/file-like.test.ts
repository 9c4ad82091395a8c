// Files as values: their names, what they refuse, and local files where they are built and where they run.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmod, symlink, writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { copyOf, entryFor, fileUnion, treeOfEntries } from "../../../src/services/files/entries.js";
import {
  fileAppend,
  filePath,
  filesBelow,
  isFileLike,
  localFile,
  plainFile,
  softwarePackage,
} from "../../../src/services/files/file-like.js";
import { localFileTable, tableStatement } from "../../../src/services/files/local-source.js";
import { filesTree } from "../../../src/services/files/stored.js";
import { mistake, untyped } from "../../daemon/definition/support.js";
import { withRoot } from "../support.js";

const name = /^\/var\/lib\/shepherd\/files\/[0-9a-f]{32}-torrc$/;

describe("plainFile", () => {
  it("has a name that stands for its contents, its permissions and its name", () => {
    const file = plainFile("torrc", "SocksPort 0\n");
    assert.match(filePath(file), name);
    assert.equal(filePath(plainFile("torrc", "SocksPort 0\n")), filePath(file));
    assert.equal(filePath(plainFile("torrc", Buffer.from("SocksPort 0\n"))), filePath(file));
    const others = [
      plainFile("torrc", "SocksPort 1\n"),
      plainFile("torrc2", "SocksPort 0\n"),
      plainFile("torrc", "SocksPort 0\n", { mode: 0o400 }),
    ];
    for (const other of others) assert.notEqual(filePath(other), filePath(file));
  });

  it("cannot be changed by whoever gave its bytes", () => {
    const bytes = Buffer.from("a");
    const file = plainFile("f", bytes);
    const before = filePath(file);
    bytes[0] = 0x62;
    assert.equal(filePath(file), before);
    assert.ok(Object.isFrozen(file));
  });

  it("has a name below no other directory", () => {
    for (const wrong of ["", "a/b", "..", ".", "a\0", "a\nb", "n".repeat(201)])
      assert.match(
        mistake(() => plainFile(wrong, "")),
        /^plainFile: the name: expected the name of a file/,
      );
  });

  it("refuses what is no contents, no mode, no option", () => {
    assert.equal(
      mistake(() => plainFile("f", untyped(5))),
      "plainFile: the contents: expected a string or bytes, got 5",
    );
    for (const mode of [0, 0o200, 0o1000, 1.5, "0444"])
      assert.match(
        mistake(() => plainFile("f", "", untyped({ mode }))),
        /field "mode": expected permissions/,
      );
    assert.match(
      mistake(() => plainFile("f", "", untyped({ modes: 1 }))),
      /unknown field "modes"; did you mean "mode"/,
    );
  });
});

describe("fileAppend and softwarePackage", () => {
  const tor = softwarePackage({ name: "tor" });

  it("name what is there already", () => {
    assert.equal(filePath(tor), "/usr");
    assert.equal(filePath(fileAppend(tor, "/bin/tor")), "/usr/bin/tor");
    assert.equal(filePath(fileAppend(fileAppend("/opt", "/a"), ".conf")), "/opt/a.conf");
    assert.deepEqual(filesBelow(fileAppend(tor, "/bin/tor")), []);
    assert.deepEqual(tor, { name: "tor", prefix: "/usr", programs: ["tor"], version: undefined });
  });

  it("name a file of the configuration by its own name", () => {
    const file = plainFile("f", "");
    assert.equal(filePath(fileAppend(file, ".new")), `${filePath(file)}.new`);
    assert.deepEqual(filesBelow(fileAppend(file, ".new")), [file]);
  });

  it("are copied with another prefix", () => {
    const other = softwarePackage({ ...tor, prefix: "/opt/tor" });
    assert.equal(filePath(fileAppend(other, "/bin/tor")), "/opt/tor/bin/tor");
  });

  const mistakes: readonly (readonly [make: () => unknown, message: RegExp])[] = [
    [() => softwarePackage(untyped({})), /field "name" missing/],
    [() => softwarePackage({ name: "a", prefix: "usr" }), /field "prefix": expected an absolute file name/],
    [() => softwarePackage({ name: "a", prefix: "/usr/" }), /field "prefix": expected/],
    [
      () => softwarePackage({ name: "a", programs: ["../a"] }),
      /field "programs": expected a list of programs/,
    ],
    [() => softwarePackage({ name: "a", programs: ["b", "b"] }), /field "programs": "b" is there twice/],
    [
      () => softwarePackage(untyped({ name: "a", prefx: "/" })),
      /unknown field "prefx"; did you mean "prefix"/,
    ],
    [
      () => fileAppend(untyped({ name: "tor", prefix: "/usr" }), "/bin/tor"),
      /fileAppend: the base: expected an absolute/,
    ],
    [() => fileAppend("usr", "/bin"), /fileAppend: the base: expected/],
    [() => fileAppend(tor, untyped(undefined)), /fileAppend: the suffix: expected a string/],
  ];
  for (const [make, message] of mistakes)
    it(`refuse what gives ${message.source}`, () => {
      assert.match(mistake(make), message);
    });

  it("are told from what only looks like them", () => {
    assert.equal(isFileLike({ kind: "plain-file", name: "a", contents: "", mode: 0o444 }), false);
    assert.equal(isFileLike({ ...tor }), false);
    assert.equal(isFileLike("relative"), false);
    assert.equal(isFileLike("/absolute"), true);
  });
});

describe("localFile", () => {
  it("is read once, with what others may do with it", () =>
    withRoot(async ({ path, write }) => {
      await write("torrc", "SocksPort 0\n");
      const file = localFile(path("torrc"));
      assert.match(filePath(file), name);
      assert.equal(filePath(file), filePath(plainFile("torrc", "SocksPort 0\n")));
      await write("torrc", "changed");
      assert.deepEqual(copyOf(file), { kind: "file", contents: Buffer.from("SocksPort 0\n"), mode: 0o444 });
      await chmod(path("torrc"), 0o700);
      assert.equal(localFile(path("torrc")).source.mode, 0o500);
      await chmod(path("torrc"), 0o755);
      assert.equal(localFile(path("torrc")).source.mode, 0o555);
      await chmod(path("torrc"), 0o600);
      assert.equal(localFile(path("torrc")).source.mode, 0o400);
      assert.match(filePath(localFile(path("torrc"), "other")), /-other$/);
    }));

  it("says what cannot be read, and does not wait for it", () =>
    withRoot(async ({ path, root }) => {
      assert.equal(
        mistake(() => localFile(path("none"))),
        `localFile: cannot read ${JSON.stringify(path("none"))}: ENOENT: no such file or directory, open '${path("none")}'`,
      );
      assert.match(
        mistake(() => localFile(root)),
        /localFile: .* is not a regular file$/,
      );
      spawnSync("mkfifo", [path("fifo")]);
      assert.match(
        mistake(() => localFile(path("fifo"))),
        /localFile: .* is not a regular file$/,
      );
      assert.match(
        mistake(() => localFile("relative")),
        /expected an absolute file name outside of configuration/,
      );
      assert.match(
        mistake(() => localFile("")),
        /localFile: the path: expected the name of a file/,
      );
      await writeFile(path("large"), Buffer.alloc(16 * 1024 * 1024 + 1));
      assert.match(
        mistake(() => localFile(path("large"))),
        /has more than 16777216 bytes$/,
      );
    }));

  it("follows links, and is called like them", () =>
    withRoot(async ({ path, write }) => {
      await write("real", "x");
      await symlink("real", path("link"));
      assert.match(filePath(localFile(path("link"))), /-link$/);
    }));

  it("is known where the system runs by the table that its module begins with", () =>
    withRoot(async ({ path, write }) => {
      await write("secret", "x");
      const built = localFile(path("secret"));
      const table = localFileTable();
      const { hash } = built.source;
      assert.deepEqual(table[path("secret")], { file: path("secret"), mode: 0o444, hash });
      const elsewhere = { [path("gone")]: { file: path("gone"), mode: 0o444, hash } };
      const key = Symbol.for("shepherd-ts.local-files");
      try {
        // As the compiled module does.
        new Function(tableStatement(elsewhere))();
        const file = localFile(path("gone"));
        assert.equal(filePath(file), filePath(built).replace(/secret$/, "gone"));
        assert.match(
          mistake(() => copyOf(file)),
          /local file ".*gone": its contents are not there/,
        );
      } finally {
        Reflect.deleteProperty(globalThis, key);
      }
    }));
});

describe("trees of files", () => {
  const file = plainFile("f", "x", { mode: 0o400 });

  it("have copies of files of the configuration, and links to all others", () => {
    assert.deepEqual(entryFor(file), { kind: "file", contents: "x", mode: 0o400 });
    assert.deepEqual(entryFor("/usr"), { kind: "symlink", target: "/usr" });
    assert.deepEqual(entryFor(softwarePackage({ name: "a", prefix: "/opt/a" })), {
      kind: "symlink",
      target: "/opt/a",
    });
    assert.deepEqual(
      [...fileUnion({ "b/c": file, a: "/usr" })],
      [
        ["a", { kind: "symlink", target: "/usr" }],
        ["b/c", { kind: "file", contents: "x", mode: 0o400 }],
      ],
    );
  });

  it("have no two things by one name", () => {
    const other = plainFile("g", "y");
    assert.equal(
      mistake(() =>
        treeOfEntries("t", [
          ["a", file],
          ["a", other],
        ]),
      ),
      "t: duplicate 'a'",
    );
    assert.equal(
      treeOfEntries("t", [
        ["a", file],
        ["a", file],
      ]).size,
      1,
    );
    assert.equal(
      mistake(() =>
        treeOfEntries("t", [
          ["a", file],
          ["a/b", other],
        ]),
      ),
      "t: 'a' is no directory, and 'a/b' would be in it",
    );
    assert.match(
      mistake(() => treeOfEntries("t", [["../a", file]])),
      /t: expected the name of something in it/,
    );
    assert.match(
      mistake(() => fileUnion(untyped({ a: "relative" }))),
      /fileUnion: field "a": expected/,
    );
  });

  it("bring along the files that must be in place", () => {
    const [entry] = filesTree([fileAppend(file, ".x"), "/usr", file]);
    assert.equal(`/var/lib/shepherd/files/${entry?.[0]}`, filePath(file));
  });
});
