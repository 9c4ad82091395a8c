// What a systemd unit tells besides, from its definition over the wire into `herd status SERVICE` and into JSON.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { unitStatus } from "../../src/daemon/control/unit-status.js";
import type { NotApplied } from "../../src/daemon/units/types.js";
import { renderSummary } from "../../src/herd/render/detail.js";
import { serviceToJson } from "../../src/herd/render/json.js";
import { plain } from "../../src/herd/render/style.js";
import { decodeService, encodeService, type ServiceStatus } from "../../src/protocol/service-status.js";
import { type Sexp, sym } from "../../src/protocol/sexp.js";
import { decodeUnit, encodeUnit, unitField } from "../../src/protocol/unit-status.js";
import { lib, unitsOf } from "../systemd-compat/translate/support.js";
import { serviceOf } from "./fixtures.js";

const tree = {
  [`${lib}/web.service`]:
    "[Unit]\nRequires=web.socket\n[Service]\nExecStart=/bin/web\nDelegate=yes\nPAMName=web\n",
  [`${lib}/web.service.d/more.conf`]: "[Service]\nNice=5\n",
  [`${lib}/web.socket`]: "[Socket]\nListenStream=80\nListenDatagram=/run/web\n",
  [`${lib}/each.socket`]: "[Socket]\nListenStream=81\nAccept=yes\n",
  [`${lib}/each@.service`]: "[Service]\nExecStart=/bin/each\n",
  [`${lib}/job.timer`]: "[Timer]\nOnBootSec=5\n",
  [`${lib}/job.path`]: "[Path]\nPathExists=/run/x\nDirectoryNotEmpty=/var/spool/x\n",
  [`${lib}/job.service`]: "[Service]\nType=oneshot\nExecStart=/bin/job\n",
};
const names = ["web", "web.socket", "each.socket", "job.timer", "job.path", "gone"];

/** As `herd` gets it. */
async function statusOf(
  context: TestContext,
  name: string,
  fields: Partial<ServiceStatus> = {},
  found: readonly NotApplied[] = [],
): Promise<ServiceStatus> {
  const units = await unitsOf(context, tree, { units: names });
  const unit = unitStatus(units.get(name), found);
  assert.ok(unit !== undefined);
  const extra = new Map<string, Sexp>([[unitField, encodeUnit(unit)], ...(fields.extra ?? [])]);
  return decodeService(encodeService(serviceOf(name, { ...fields, extra })));
}

const lines = (service: ServiceStatus): readonly string[] =>
  renderSummary(service, { style: plain, now: 0, history: 5, unicode: true }).split("\n").slice(1, -1);

test("where it comes from and what is not applied, before the start and found by it", async (t) => {
  const found: NotApplied = {
    directive: "PrivateNetwork",
    extent: "not",
    why: "the kernel does not let us: network namespace: Operation not permitted",
    file: "/x",
    line: 0,
  };
  const service = await statusOf(t, "web", { extra: new Map([["result", sym("success")]]) }, [found]);
  assert.deepEqual(lines(service), [
    "  It is stopped.",
    "  It is enabled.",
    "  Provides: web",
    "  Will not be respawned.",
    `  Unit: web.service, loaded from /${lib}/web.service`,
    `  Drop-in: /${lib}/web.service.d/more.conf`,
    "  Not applied:",
    `    - Delegate= in part: the service has its cgroup to itself, but the controllers are not handed down (/${lib}/web.service:5)`,
    `    - PAMName=: no session is opened through PAM (/${lib}/web.service:6)`,
    "    - PrivateNetwork=: the kernel does not let us: network namespace: Operation not permitted (/x)",
  ]);
  const json = serviceToJson(service) as { readonly unit: { readonly notApplied: readonly unknown[] } };
  assert.equal(json.unit.notApplied.length, 3);
  assert.ok(!("unit" in (json as unknown as { extra: object }).extra));
});

test("why it did not start: skipped, a result in words, or refused", async (t) => {
  const why = "ConditionPathExists=/x does not hold (/lib/x.service:2)";
  const skipped = await statusOf(t, "web", { extra: new Map([["skipped", why]]) });
  assert.ok(lines(skipped).includes(`  Its last start was skipped: ${why}.`));
  // Of one that runs it is of no interest any more.
  const running = { status: "running", extra: new Map<string, Sexp>([["skipped", why]]) } as const;
  assert.ok(
    !lines(await statusOf(t, "web", running))
      .join()
      .includes("skipped"),
  );
  const failed = await statusOf(t, "web", { extra: new Map([["result", sym("exit-code")]]) });
  assert.ok(lines(failed).includes("  Result: a process has exited with a failure (exit-code)."));
  const strange = await statusOf(t, "web", { extra: new Map([["result", sym("odd")]]) });
  assert.ok(lines(strange).includes("  Result: odd."));
  assert.ok(
    lines(await statusOf(t, "gone")).includes("  It cannot be started: Unit gone.service not found."),
  );
});

test("sockets, timers and paths tell what they start, and what for", async (t) => {
  const tail = async (name: string) => lines(await statusOf(t, name)).slice(4);
  assert.deepEqual(await tail("web.socket"), [
    `  Unit: web.socket, loaded from /${lib}/web.socket`,
    "  Listens on:",
    "    - stream 80",
    "    - datagram /run/web",
    "  Starts: web",
  ]);
  assert.deepEqual((await tail("each.socket")).slice(-1), ["  Starts: each@, one for each connection"]);
  assert.deepEqual(await tail("job.timer"), [
    `  Unit: job.timer, loaded from /${lib}/job.timer`,
    "  Starts: job",
  ]);
  assert.deepEqual(await tail("job.path"), [
    `  Unit: job.path, loaded from /${lib}/job.path`,
    "  Watches:",
    "    - PathExists=/run/x",
    "    - DirectoryNotEmpty=/var/spool/x",
    "  Starts: job",
  ]);
  // What a path unit has seen is no running value that anybody would read.
  const value = { type: "other", value: [sym("type"), "unit-path"] } as const;
  const path = await statusOf(t, "job.path", { status: "running", running: value });
  assert.ok(!lines(path).join().includes("Running value"));
});

test("what is none of this is passed over", () => {
  for (const field of [undefined, false, "x", [], [[sym("name"), 5]]] satisfies (Sexp | undefined)[])
    assert.equal(decodeUnit(field), undefined);
  const odd: Sexp = [
    [sym("name"), "x.service"],
    [sym("not-applied"), [["A", sym("maybe"), "why", "/x", 1]]],
  ];
  assert.deepEqual(decodeUnit(odd), { name: "x.service", files: [], notApplied: [] });
  assert.deepEqual(lines(serviceOf("web")), [
    "  It is stopped.",
    "  It is enabled.",
    "  Provides: web",
    "  Will not be respawned.",
  ]);
});
