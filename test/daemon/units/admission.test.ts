// Which units may start where all of a unit is to be applied.
import assert from "node:assert/strict";
import { test } from "node:test";
import { admit } from "../../../src/daemon/units/admission.js";
import type { NotApplied } from "../../../src/daemon/units/types.js";
import { unitData } from "./execution/support.js";

const place = { extent: "not", why: "nobody does it", file: "/x.service", line: 3 } as const;
const matters: NotApplied = { directive: "PAMName", ...place };
const harmless: NotApplied = { directive: "SyslogLevel", ...place, harmless: true };

test("what does not matter refuses no unit, and anything else does", async () => {
  const host = { environment: [] };
  await admit(host, unitData("", { strict: true, notApplied: [harmless] }));
  await admit(host, unitData("", { notApplied: [harmless, matters] }));
  await assert.rejects(admit(host, unitData("", { strict: true, notApplied: [harmless, matters] })), {
    message: /^\/x\.service:3: PAMName= cannot be applied: nobody does it; the unit/,
  });
});
