// Who may ask what of the service `web`, by the headers alone.

import assert from "node:assert/strict";
import { it } from "node:test";
import { type Gate, isAuthorized, isOurHost, pageKey, sameSecret, whyNoOrder } from "../../src/web/access.js";

const token = "a-token-of-some-length";
const gate: Gate = { token, hosts: new Set(["localhost", "127.0.0.1", "[::1]"]) };
const basic = (text: string): string => `Basic ${Buffer.from(text).toString("base64")}`;

it("takes the token as a bearer's or as a password, whole and in its place", () => {
  for (const authorization of [
    `Bearer ${token}`,
    `bearer  ${token}`,
    basic(`:${token}`),
    basic(`me:${token}`),
  ])
    assert.ok(isAuthorized({ authorization }, gate), authorization);
  for (const authorization of [
    undefined,
    "",
    token,
    "Bearer",
    `Bearer ${token} `,
    `Bearer ${token.slice(1)}`,
    `Bearer ${pageKey(token)}`,
    basic(token.slice(0, -1)),
    basic(`${token}:`),
    basic(`a:b:${token}`),
    `Digest ${token}`,
    "Basic ===",
  ])
    assert.ok(
      !isAuthorized(authorization === undefined ? {} : { authorization }, gate),
      String(authorization),
    );
});

it("knows its own names, with any port", () => {
  for (const host of ["localhost", "localhost.", "LocalHost:80", "127.0.0.1:7680", "[::1]:7680"])
    assert.ok(isOurHost(host, gate), host);
  for (const host of [
    undefined,
    "",
    ":80",
    "localhost:",
    "localhost:x",
    "a@localhost",
    "[::1",
    "::1",
    "evil.org",
    "localhost.evil.org",
    "localhost/x",
  ])
    assert.ok(!isOurHost(host, gate), String(host));
});

it("takes an order only where somebody set a header on purpose", () => {
  const authorization = basic(`:${token}`);
  const page = { authorization, host: "localhost:7680", "x-shepherd-token": pageKey(token) };
  assert.equal(whyNoOrder(page, gate), undefined);
  assert.equal(
    whyNoOrder({ ...page, origin: "http://LOCALHOST:7680", "sec-fetch-site": "same-origin" }, gate),
    undefined,
  );
  assert.equal(whyNoOrder({ ...page, "x-shepherd-token": token }, gate), undefined);
  assert.equal(whyNoOrder({ authorization: `Bearer ${token}` }, gate), undefined);
  assert.match(whyNoOrder({ authorization, host: "localhost" }, gate) ?? "", /missing/);
  assert.match(whyNoOrder({ ...page, "x-shepherd-token": "" }, gate) ?? "", /wrong/);
  assert.match(whyNoOrder({ ...page, origin: "http://localhost:80" }, gate) ?? "", /another origin/);
  assert.match(whyNoOrder({ ...page, origin: "null" }, gate) ?? "", /another origin/);
  for (const site of ["cross-site", "same-site", "none"])
    assert.match(whyNoOrder({ ...page, "sec-fetch-site": site }, gate) ?? "", /another site/);
});

it("compares secrets of any length", () => {
  assert.ok(sameSecret("", ""));
  assert.ok(!sameSecret("a", ""));
  assert.ok(!sameSecret("a", "aa"));
});

it("gives the page a key from which the token cannot be told", () => {
  assert.notEqual(pageKey(token), pageKey(`${token}x`));
  assert.ok(!pageKey(token).includes(token));
});
