// Which files hold the lines of services, for a client that reads them itself.

import { stat } from "node:fs/promises";
import type { LogSource, LogSources, ServiceSources } from "../../protocol/log-sources.js";
import type { Controller } from "../controller/controller.js";
import { builtin, type ServiceDefinition } from "../definition/types.js";
import type { Registry } from "../registry/registry.js";

/** What is known of where the lines of a service are kept. */
export interface LogPlaces {
  /** @param file that of its definition, where it was not started yet */
  sources(service: string, file: string | undefined): readonly LogSource[];
}

/**
 * The sources of the named services, or of all of them.
 *
 * @throws ServiceNotFound
 */
export async function logSources(
  names: readonly string[],
  registry: Registry,
  places: LogPlaces,
): Promise<LogSources> {
  const controllers =
    names.length === 0 ? registry.controllers : [...new Set(names.map((name) => registry.get(name)))];
  const services = await Promise.all(controllers.map((one) => sourcesOf(one, places)));
  const zone = process.env.TZ;
  return { services, ...(zone === undefined ? {} : { zone }) };
}

async function sourcesOf({ name, definition }: Controller, places: LogPlaces): Promise<ServiceSources> {
  const found = places.sources(name, fileOf(definition));
  return {
    service: name,
    // The actions of root are the daemon's own, and none of them reads logs.
    ownAction: definition.actions.some((action) => action.name === "log"),
    sources: await Promise.all(found.map(identified)),
  };
}

/** What it would log to, which is where earlier runs may have left lines. */
function fileOf({ start }: ServiceDefinition): string | undefined {
  const data = typeof start === "function" && builtin in start ? start[builtin] : undefined;
  if (data === undefined || !("options" in data) || !("logFile" in data.options)) return undefined;
  return data.options.logFile;
}

async function identified(source: LogSource): Promise<LogSource> {
  try {
    const { dev, ino } = await stat(source.path, { bigint: true });
    return { ...source, identity: `${dev}:${ino}` };
  } catch {
    // There is none yet, or none that even the daemon can see.
    return source;
  }
}
