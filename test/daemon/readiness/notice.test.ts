// What a datagram on a notify socket says, whoever has written it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseNotice } from "../../../src/daemon/readiness/notice.js";

const parse = (text: string) => parseNotice(Buffer.from(text), false);

test("the messages of sd_notify(3) are read", () => {
  assert.deepEqual(parse("READY=1\nSTATUS=Ready to accept connections\nMAINPID=4711\n"), {
    ready: true,
    statusText: "Ready to accept connections",
    mainPid: 4711,
  });
  assert.deepEqual(parse("RELOADING=1\nMONOTONIC_USEC=1234567"), { reloading: true });
  assert.deepEqual(parse("STOPPING=1\nERRNO=98"), { stopping: true, errno: 98 });
  assert.deepEqual(parse("WATCHDOG=1"), { watchdog: "alive" });
  assert.deepEqual(parse("WATCHDOG=trigger\nWATCHDOG_USEC=1500000"), {
    watchdog: "trigger",
    watchdogSeconds: 1.5,
  });
  assert.deepEqual(parse("EXTEND_TIMEOUT_USEC=20000000"), { extendSeconds: 20 });
  assert.deepEqual(parse("BARRIER=1"), { barrier: true });
  assert.deepEqual(parse("FDSTORE=1"), { store: "stored" });
  assert.deepEqual(parse("FDSTORE=1\nFDNAME=db"), { store: "db" });
  assert.deepEqual(parse("FDSTOREREMOVE=1\nFDNAME=db"), { unstore: "db" });
});

test("what is unknown, or no assignment, is passed over", () => {
  assert.deepEqual(parse(""), {});
  assert.deepEqual(parse("READY\n=1\nX_OWN=1\nREADY=0\nWATCHDOG=2\nready=1"), {});
  assert.deepEqual(parse("MAINPID=1\nMAINPID=-5"), {});
  assert.deepEqual(parse("MAINPID=99999999999999999999\nERRNO=x\nWATCHDOG_USEC=1e6"), {});
});

test("descriptors that come with a barrier are not kept", () => {
  assert.deepEqual(parse("BARRIER=1\nFDSTORE=1"), { barrier: true });
});

test("a name of descriptors that LISTEN_FDNAMES cannot carry is refused", () => {
  for (const name of ["a:b", "a b", "", "é", "a\u0007", "x".repeat(256)])
    assert.match(String(parse(`FDSTORE=1\nFDNAME=${name}`)), /FDNAME/, name);
});

test("a status is one printable line, and short", () => {
  const { statusText = "" } = parse(`STATUS=a\u001b[31m\u202eb\u0000${"c".repeat(60_000)}`) as {
    statusText?: string;
  };
  assert.ok(statusText.length <= 512);
  assert.match(statusText, /^a�\[31m�b�c+$/);
});

test("binary data of any length harms nobody", () => {
  const noise = Buffer.from(Array.from({ length: 65_535 }, (_, index) => (index * 7919) % 256));
  assert.equal(typeof parseNotice(noise, false), "object");
  assert.match(String(parseNotice(noise, true)), /longer/);
});
