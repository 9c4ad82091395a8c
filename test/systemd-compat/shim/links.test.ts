// enable, disable, mask, preset and their like make and take away the links that systemd's own systemctl does.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { listingOf } from "../tmpfiles/listing.js";
import { setUp } from "../tmpfiles/reference.js";
import { makeTree } from "../trees.js";
import { ours, reference, whyNoSystemctl } from "./support.js";

const skip = whyNoSystemctl();

const service = (more: string): string => `[Service]\\nExecStart=/bin/true\\n${more}`;
const install = (lines: string): string => service(`[Install]\\n${lines}\\n`);
const wanted = install("WantedBy=multi-user.target");

const units: Readonly<Record<string, string>> = {
  "a.service": install("WantedBy=multi-user.target\\nAlias=aa.service"),
  "b.service": install(
    "WantedBy=multi-user.target foo@.service\\nRequiredBy=x.target\\nAlso=a.service b.socket",
  ),
  "b.socket": "[Socket]\\nListenStream=1\\n[Install]\\nWantedBy=sockets.target\\n",
  "c@.service": install("WantedBy=multi-user.target\\nDefaultInstance=one"),
  "d@.service": install("WantedBy=multi-user.target\\nAlias=dd@.service"),
  "e.service": service(""),
  "f.service": install("Also=b.socket"),
  "g.service": install("WantedBy=%p-x.target\\nAlias=%N-alias.service bad.socket"),
  "x.target": "[Unit]\\nDescription=x\\n",
  "t@.service": wanted,
  "u.service": wanted,
  "v.service": wanted,
  "p1.service": wanted,
  "p2.service": wanted,
};

const script = [
  "mkdir -p lib/systemd/system etc/systemd/system/multi-user.target.wants usr/lib/systemd/system-preset run opt",
  "cd lib/systemd/system",
  ...Object.entries(units).map(([name, text]) => `printf '%b' '${text}' >'${name}'`),
  "cp u.service ../../../opt/l.service",
  "ln -s /lib/systemd/system/u.service ../../../etc/systemd/system/multi-user.target.wants/zz.service",
  "ln -s /opt/l.service ../../../etc/systemd/system/l.service",
  "ln -s v.service vv.service; ln -s a.service al.service; ln -s /dev/null m.service",
  "mkdir multi-user.target.wants; ln -s ../e.service multi-user.target.wants/e.service",
  "printf 'disable p2.service\\nenable t@.service i j\\n' >../../../usr/lib/systemd/system-preset/50.preset",
  ": >../../../etc/systemd/system/h.service",
].join("\n");

/** Carries the same commands out with both, and compares what they say and what is there after each. */
async function compare(context: TestContext, commands: readonly string[]): Promise<void> {
  const place = mkdtempSync(join(tmpdir(), "shepherd-systemctl-"));
  context.after(() => rmSync(place, { recursive: true, force: true }));
  const [a, b] = [join(place, "theirs"), join(place, "ours")];
  setUp(place, "mkdir theirs ours");
  for (const root of [a, b]) setUp(root, script);
  for (const command of commands) {
    const words = command.split(" ");
    const theirs = reference(a, ...words);
    // systemd tells of units that are not there yet, which is right more often than wrong.
    const known = theirs.errors.filter((line) => !line.includes("non-existent unit") && !isExplanation(line));
    const answer = await ours(b, ...words);
    assert.deepEqual(
      { ...answer, errors: answer.errors.filter((line) => !isExplanation(line)) },
      { ...theirs, errors: known },
      command,
    );
    assert.deepEqual(listingOf(b), listingOf(a), command);
  }
}

/** Of units that have nothing by which they could be enabled: in words of our own. */
const isExplanation = (line: string): boolean =>
  /^(?:The unit|Alias=|units\)|Possible|•| {2}| ?$|Such units)/.test(line);

test("units are enabled and disabled by the same links", { skip }, async (context) => {
  await compare(context, [
    ...["enable a", "enable b", "is-enabled a b c@ d@ e f g al m nope", "enable c@", "enable c@two"],
    ...[
      "enable d@",
      "enable d@x",
      "enable e",
      "enable f",
      "enable g",
      "enable al",
      "enable m",
      "enable nope",
    ],
    ...["enable a", "list-unit-files", "enable t@b", "enable vv l", "reenable a", "enable --runtime u"],
    ...["disable l", "disable vv", "disable zz", "disable c@two", "disable c@", "disable b", "disable d@"],
    ...["disable nope", "disable e", "disable --runtime u", "list-unit-files --no-legend"],
  ]);
});

test("the states of unit files are the same", { skip }, async (context) => {
  const names = "a aa b b.socket c@ c@one c@three d@ d@x e f g al m dd@x t@ t@b u l v vv zz h x.target nope";
  await compare(context, [
    ...["enable a c@ d@x t@b", "enable --runtime u", "mask --runtime v"],
    ...names.split(" ").map((name) => `is-enabled ${name}`),
    ...[
      "list-unit-files --type=socket",
      "list-unit-files c*",
      "list-unit-files --no-legend --state=masked,alias",
    ],
    ...["-q is-enabled a", "--quiet is-enabled e m", "is-enabled"],
  ]);
});

test("units are masked, and presets followed, alike", { skip }, async (context) => {
  await compare(context, [
    ...["mask e", "mask e", "mask nope", "is-enabled e", "unmask e", "unmask e", "mask h", "unmask nope"],
    ...[
      "mask --runtime a",
      "enable a",
      "unmask --runtime a",
      "get-default",
      "set-default x.target",
      "get-default",
    ],
    ...["set-default nope", "preset a", "preset p1 p2 t@", "enable p2"],
    ...[
      "--preset-mode=enable-only preset p2",
      "is-enabled p2",
      "preset p2",
      "is-enabled p2",
      "preset m",
      "frob",
    ],
  ]);
});

test("what leads to a link that goes, goes too", async (context) => {
  const etc = "etc/systemd/system";
  const root = makeTree(context, {
    "usr/lib/systemd/system/a.service": "[Service]\nExecStart=/bin/true\n[Install]\nAlias=aa.service\n",
    [`${etc}/aa.service`]: "→ /usr/lib/systemd/system/a.service",
    [`${etc}/x.target.wants/aa.service`]: "→ /etc/systemd/system/aa.service",
    [`${etc}/x.target.wants/b.service`]: "→ /usr/lib/systemd/system/b.service",
  });
  assert.equal((await ours(root, "disable", "a")).status, 0);
  const left = listingOf(join(root, etc)).map((line) => line.split(" ", 1)[0]);
  assert.deepEqual(left, ["/", "/x.target.wants", "/x.target.wants/b.service"]);
});
