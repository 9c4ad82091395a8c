// The network of a container: loopback, and the name networking.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { service } from "../../src/services/composition/service-type.js";
import {
  loopbackConfiguration,
  loopbackServiceType,
  networkingConfiguration,
  networkingServiceType,
} from "../../src/services/networking.js";
import { mistake, untyped } from "../daemon/definition/support.js";
import { described, systemOf } from "./parts.js";

describe("loopbackServiceType", () => {
  it("is a one-shot that may be started again", () => {
    const one = systemOf(service(loopbackServiceType)).service("loopback");
    const { start: _start, stop: _stop, files: _files, ...rest } = described(one);
    assert.deepEqual(rest, {
      provision: ["loopback"],
      requirement: [],
      oneShot: true,
      respawn: true,
      autoStart: true,
      documentation: "Bring the loopback network interface up.",
      actions: [],
    });
    assert.equal(one.retryable, true);
  });

  it("takes requirements", () => {
    const configuration = loopbackConfiguration({ requirement: ["udev"] });
    assert.deepEqual(systemOf(service(loopbackServiceType, configuration)).service("loopback").requirement, [
      "udev",
    ]);
  });
});

describe("networkingServiceType", () => {
  it("stands for the network", () => {
    const {
      start: _start,
      stop: _stop,
      files: _files,
      ...rest
    } = described(systemOf(service(networkingServiceType)).service("networking"));
    assert.deepEqual(rest, {
      provision: ["networking"],
      requirement: ["loopback"],
      oneShot: false,
      respawn: false,
      autoStart: true,
      documentation: "Stand for the network, which whoever made this container has set up.",
      actions: [],
    });
  });

  it("takes names and requirements", () => {
    const configuration = networkingConfiguration({
      provision: ["networking", "network-online"],
      requirement: [],
    });
    const { provision, requirement } = systemOf(service(networkingServiceType, configuration)).service(
      "network-online",
    );
    assert.deepEqual([provision, requirement], [["networking", "network-online"], []]);
  });
});

describe("the network's configuration refuses", () => {
  const mistakes: readonly (readonly [string, () => unknown, RegExp])[] = [
    [
      "no name",
      () => networkingConfiguration({ provision: [] }),
      /networkingConfiguration: field "provision": expected a list of at least one name/,
    ],
    [
      "a requirement that is no name",
      () => loopbackConfiguration({ requirement: ["a b"] }),
      /loopbackConfiguration: field "requirement"/,
    ],
    [
      "an unknown field",
      () => networkingConfiguration(untyped({ interfaces: [] })),
      /unknown field "interfaces"/,
    ],
  ];
  for (const [what, body, message] of mistakes) it(what, () => assert.match(mistake(body), message));
});
