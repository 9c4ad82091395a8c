// Names and messages of errno values.

import assert from "node:assert/strict";
import { constants } from "node:os";
import { test } from "node:test";
import { describeErrno, errnoName } from "../../../src/daemon/keeper/errno.js";

test("errno values have the C library's names and messages", () => {
  assert.equal(errnoName(2), "ENOENT");
  assert.equal(describeErrno(2), "No such file or directory");
  assert.equal(describeErrno(constants.errno.EAGAIN), "Resource temporarily unavailable");
  assert.equal(describeErrno(constants.errno.EOPNOTSUPP), "Operation not supported");
});

test("an errno without a message is described by its number", () => {
  assert.equal(errnoName(4095), undefined);
  assert.equal(describeErrno(4095), "Unknown error 4095");
});
