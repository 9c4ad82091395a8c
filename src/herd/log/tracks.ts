// From the daemon's answer to the logs that are read: each file once, and only if it is the file that the daemon means.
import { accessSync, constants } from "node:fs";
import type { LogSource, ServiceSources } from "../../protocol/log-sources.js";
import { errorCode, systemErrorText } from "../system-error.js";
import type { Track } from "./history.js";
import { recordParser } from "./records.js";
import { listSegments } from "./segments.js";

/** A service whose files cannot be read from here. */
export interface Unreadable {
  readonly service: string;
  readonly reason: string;
}

export interface Tracks {
  readonly tracks: readonly Track[];
  readonly unreadable: readonly Unreadable[];
}

const ROOT = "root";

/** @param everything whether all lines are wanted, and not those of certain services */
export function tracksOf(services: readonly ServiceSources[], everything: boolean): Tracks {
  const tracks = new Map<string, Track>();
  const unreadable: Unreadable[] = [];
  for (const { service, sources } of everything ? withoutDoubles(services) : services) {
    const reason = sources.map(whyUnreadable).find((why) => why !== undefined);
    if (reason !== undefined) unreadable.push({ service, reason });
    else if (sources.length === 0 && !everything)
      unreadable.push({ service, reason: `${service} has no log file` });
    else
      for (const source of sources) {
        const track = trackOf(service, source, everything);
        const key = source.format === "json" ? `${source.path}\n${service}` : source.path;
        const other = tracks.get(key);
        // Services that share a file: whose a line is cannot be told.
        tracks.set(key, other === undefined ? track : { ...other, label: `${other.label},${service}` });
      }
  }
  return { tracks: [...tracks.values()], unreadable };
}

/** Lines of services without a file of their own are in the daemon's, if it has one, and in a recent history. */
function withoutDoubles(services: readonly ServiceSources[]): ServiceSources[] {
  const main = services.find(({ service }) => service === ROOT)?.sources ?? [];
  return services.map((one) => {
    const hasFile = one.sources.some(({ format }) => format === "stamped");
    const sources = hasFile || one.service === ROOT || main.length === 0 ? one.sources : [];
    return { ...one, sources };
  });
}

function trackOf(service: string, { path, format }: LogSource, everything: boolean): Track {
  return {
    label: service,
    path,
    isRecent: format === "recent",
    parser: () => recordParser(format, everything ? undefined : service),
  };
}

function whyUnreadable({ path, identity }: LogSource): string | undefined {
  try {
    const segments = listSegments(path);
    const isSame = segments.some(({ dev, ino }) => `${dev}:${ino}` === identity);
    if (identity !== undefined && !isSame)
      return `cannot read ${path}: shepherd's file of that name cannot be seen from here (are its mounts others?)`;
    for (const segment of segments) accessSync(segment.path, constants.R_OK);
    return undefined;
  } catch (error) {
    // It was renamed just now: whoever opens it looks again.
    if (errorCode(error) === "ENOENT") return undefined;
    return `cannot read ${path}: ${systemErrorText(errorCode(error))}`;
  }
}
