// Asks the daemon, once for each sample, how the services are and what they use.

import type { Reply } from "../../protocol/messages.js";
import { pidNamespace } from "../../protocol/pid-namespace.js";
import type { Resources } from "../../protocol/resources.js";
import { decodeServices } from "../../protocol/service-status.js";
import { decodeUsage, usageAction } from "../../protocol/usage.js";
import { usageOfProcesses } from "./processes.js";
import type { Sample } from "./sample.js";

/** Asks root for what changes nothing; undefined where there is no answer now. */
export type Ask = (action: string) => Promise<Reply | undefined>;

/** @param status how the status is asked for, where that is otherwise. Throws a ProtocolError. */
export async function takeSample(
  ask: Ask,
  status: () => Promise<Reply | undefined> = () => ask("status"),
): Promise<Sample | undefined> {
  const [reply, usage] = await Promise.all([status(), ask(usageAction)]);
  if (reply === undefined || reply.error !== undefined) return undefined;
  const services = decodeServices(reply.result);
  // A GNU shepherd does not tell; nor where its process numbers hold.
  const told = usage === undefined || usage.error !== undefined ? undefined : decodeUsage(usage.result);
  const known: ReadonlyMap<string, Resources> = told?.services ?? new Map();
  const isHere = told?.pidNamespace !== undefined && told.pidNamespace === pidNamespace();
  return {
    at: performance.now(),
    now: Math.floor(Date.now() / 1000),
    services,
    usage: isHere ? await usageOfProcesses(services, known) : known,
  };
}
