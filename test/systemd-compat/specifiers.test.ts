// Specifiers, by a table.
import assert from "node:assert/strict";
import { test } from "node:test";
import { systemDirectories, userDirectories } from "../../systemd-compat/manager-directories.js";
import { unitName } from "../../systemd-compat/names.js";
import { escapeSpecifiers, expandSpecifiers } from "../../systemd-compat/specifiers.js";
import { readSystemFacts } from "../../systemd-compat/system-facts.js";
import { facts } from "./fixtures.js";

const context = {
  unit: unitName("foo-bar\\x2dbaz@a-b\\x20c.service"),
  fragment: "/lib/systemd/system/foo-bar@.service",
  facts,
  directories: systemDirectories,
};

const rows: Readonly<Record<string, string>> = {
  "%n": "foo-bar\\x2dbaz@a-b\\x20c.service",
  "%N": "foo-bar\\x2dbaz@a-b\\x20c",
  "%p": "foo-bar\\x2dbaz",
  "%P": "foo/bar-baz",
  "%i": "a-b\\x20c",
  "%I": "a/b c",
  "%j": "bar\\x2dbaz",
  "%J": "bar-baz",
  "%f": "/a/b c",
  "%y": "/lib/systemd/system/foo-bar@.service",
  "%Y": "/lib/systemd/system",
  "%t": "/run",
  "%S": "/var/lib",
  "%C": "/var/cache",
  "%L": "/var/log",
  "%E": "/etc",
  "%T": "/tmp",
  "%V": "/var/tmp",
  "%d": "/run/credentials/foo-bar\\x2dbaz@a-b\\x20c.service",
  "%h": "/root",
  "%s": "/bin/sh",
  "%u": "root",
  "%U": "0",
  "%g": "root",
  "%G": "0",
  "%H": "host.example.org",
  "%l": "host",
  "%q": "host",
  "%m": "0123456789abcdef0123456789abcdef",
  "%b": "fedcba9876543210fedcba9876543210",
  "%v": "6.1.0-18-amd64",
  "%o": "debian",
  "%w": "12",
  "%a": "x86-64",
  "%A": "",
  "%B": "",
  "%W": "",
  "%M": "",
  "%%": "%",
  "100%": "100%",
  "%-%": "%-%",
  "a%%i%i": "a%ia-b\\x20c",
};

for (const [text, expanded] of Object.entries(rows))
  test(`${text} is ${JSON.stringify(expanded)}`, () =>
    assert.equal(expandSpecifiers(text, context), expanded));

test("without an instance, what it is made of is empty", () => {
  const plain = { ...context, unit: unitName("foo-bar.service") };
  assert.equal(expandSpecifiers("%i|%I|%p|%j|%f|%N", plain), "||foo-bar|bar|/foo/bar|foo-bar");
});

test("an unknown specifier is a mistake, and so is one that stands for nothing", () => {
  assert.throws(() => expandSpecifiers("a %Z", context), /unknown specifier %Z/);
  assert.throws(() => expandSpecifiers("%t", context, true), /unknown specifier %t/);
  const { machineId: _, ...young } = facts;
  assert.throws(() => expandSpecifiers("%m", { ...context, facts: young }), /%m stands for nothing/);
});

test("text can be kept from being replaced", () => {
  assert.equal(expandSpecifiers(escapeSpecifiers("%i 100%"), context), "%i 100%");
});

test("a user's directories are where the environment says", () => {
  const directories = userDirectories({ XDG_RUNTIME_DIR: "/run/user/7" }, "/home/x", 7);
  const user = { ...context, directories };
  assert.equal(
    expandSpecifiers("%t %S %C %L %E", user),
    "/run/user/7 /home/x/.config /home/x/.cache /home/x/.config/log /home/x/.config",
  );
});

test("the facts of this system can be read", async () => {
  const { hostName, kernelRelease, architecture, osRelease } = await readSystemFacts();
  for (const fact of [hostName, kernelRelease, architecture, osRelease.get("ID") ?? ""])
    assert.notEqual(fact, "");
});
