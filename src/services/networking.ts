// The network of a container: `loopback`, which brings the loopback interface up, and `networking`, which stands for what
// whoever made the container has set up. On a machine of its own, `networking` is for another service to provide.

import { networkInterfaces } from "node:os";
import type { Checks } from "../daemon/definition/check.js";
import { fields } from "../daemon/definition/fields.js";
import { recordConstructor } from "./composition/record.js";
import { makeSystemConstructor } from "./shepherd/constructors.js";
import { type ShepherdService, shepherdService } from "./shepherd/service.js";
import { shepherdServiceType } from "./shepherd/service-type.js";

/** What `loopbackServiceType` provides. */
export interface LoopbackConfiguration {
  /** What must run before it; default none. */
  readonly requirement: readonly string[];
}

const loopbackChecks: Checks<LoopbackConfiguration> = { requirement: fields.names };

/**
 * The configuration of the loopback interface.
 *
 * @throws DefinitionError that names the place, the field and what was expected
 */
export const loopbackConfiguration = recordConstructor<LoopbackConfiguration>(
  "loopbackConfiguration",
  loopbackChecks,
  { requirement: [] },
);

const bringUp = makeSystemConstructor("ip link set dev lo up || ifconfig lo up");

/** Only interfaces that are up have addresses here. */
const isUp = (): boolean => networkInterfaces().lo?.some(({ internal }) => internal) === true;

/** Where it is up already, as in most containers, nothing is run, and no privilege is needed. */
async function bringLoopbackUp(): Promise<true> {
  if (isUp()) return true;
  await bringUp();
  if (!isUp()) throw new Error("interface lo: it is not up, though it was brought up");
  return true;
}

/** The service `loopback`, a one-shot. */
export function loopbackShepherdService({ requirement }: LoopbackConfiguration): ShepherdService {
  return shepherdService({
    provision: ["loopback"],
    requirement,
    oneShot: true,
    // It does what is left to be done, however often.
    retryable: true,
    start: bringLoopbackUp,
    documentation: "Bring the loopback network interface up.",
  });
}

/** Brings the loopback interface up, where it is not. */
export const loopbackServiceType = shepherdServiceType<LoopbackConfiguration>(
  "loopback",
  loopbackShepherdService,
  {
    defaultValue: loopbackConfiguration(),
    description:
      "Bring the loopback network interface up, through which programs of this system reach each other.",
    valueCheck: loopbackConfiguration.check,
  },
);

/** What `networkingServiceType` provides. */
export interface NetworkingConfiguration {
  /** Every name it answers to; default `["networking"]`. */
  readonly provision: readonly string[];
  /** What must run before it; default `["loopback"]`. */
  readonly requirement: readonly string[];
}

const networkingChecks: Checks<NetworkingConfiguration> = {
  provision: fields.provision,
  requirement: fields.names,
};

/**
 * The configuration of the network.
 *
 * @throws DefinitionError that names the place, the field and what was expected
 */
export const networkingConfiguration = recordConstructor<NetworkingConfiguration>(
  "networkingConfiguration",
  networkingChecks,
  { provision: ["networking"], requirement: ["loopback"] },
);

/** The service `networking`, which does nothing itself: services require it, and a container has its network. */
export function networkingShepherdService({
  provision,
  requirement,
}: NetworkingConfiguration): ShepherdService {
  return shepherdService({
    provision,
    requirement,
    respawn: false,
    retryable: true,
    start: () => true,
    stop: () => false,
    documentation: "Stand for the network, which whoever made this container has set up.",
  });
}

/** Provides `networking` in a container, whose network is there from the beginning. */
export const networkingServiceType = shepherdServiceType<NetworkingConfiguration>(
  "networking",
  networkingShepherdService,
  {
    defaultValue: networkingConfiguration(),
    description: "Provide the service 'networking' in a container, whose network was set up from outside.",
    valueCheck: networkingConfiguration.check,
  },
);
