// A socket unit as the data of its service.

import { encode } from "../../src/daemon/units/encoded.js";
import type { UnitSocketData } from "../../src/daemon/units/types.js";
import type { SocketSettings } from "../directives.js";
import type { SocketUnit } from "../unit.js";
import type { TranslationContext, TriggerTranslation } from "./context.js";
import { triggeredUnit } from "./triggers.js";

export function translateSocket(
  unit: SocketUnit,
  context: TranslationContext,
): TriggerTranslation<UnitSocketData> {
  const { socket: settings } = unit;
  const head = context.head(unit);
  const template = settings.Accept === true ? context.connection(unit.name.full) : undefined;
  const needs = template === undefined ? undefined : context.connectionNeeds(unit.name.full);
  const service = triggeredUnit(unit);
  const refused = head.refused ?? refusal(settings, service, template !== undefined);
  return {
    data: {
      ...head,
      kind: "unit-socket",
      socket: encode(settings),
      service,
      ...(template === undefined ? {} : { template }),
      ...(needs === undefined ? {} : { needs }),
      ...(refused === undefined ? {} : { refused }),
    },
    implied: {},
    diagnostics: [],
  };
}

/** What makes it useless as a whole, as for systemd. */
function refusal(settings: SocketSettings, service: string, hasTemplate: boolean): string | undefined {
  if (settings.Accept === true && !hasTemplate)
    return `there is no template ${service} for the services of its connections`;
  if ((settings.Symlinks ?? []).length > 0 && filesOf(settings) !== 1)
    return "Symlinks= is for a unit with one socket or FIFO in the file system";
  return undefined;
}

/** How many sockets and FIFOs in the file system it has. */
function filesOf({ Listen = [] }: SocketSettings): number {
  return Listen.filter(
    (listening) =>
      listening.kind === "fifo" || ("address" in listening && listening.address.family === "unix"),
  ).length;
}
