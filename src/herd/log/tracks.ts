// From the daemon's answer to the logs that are read: each file once, and only if it is the file that the daemon means.
import { accessSync, constants } from "node:fs";
import type { LogSource, ServiceSources } from "../../protocol/log-sources.js";
import { errorCode, systemErrorText } from "../system-error.js";
import type { Track } from "./history.js";
import { recordParser } from "./records.js";
import { type Look, listSegments, lookOnce, type Segment } from "./segments.js";

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

/**
 * @param everything whether all lines are wanted, and not those of certain services
 * @param known paths of logs that are not looked at again
 */
export function tracksOf(
  services: readonly ServiceSources[],
  everything: boolean,
  known: ReadonlySet<string> = new Set(),
): Tracks {
  const look = lookOnce();
  const tracks = new Map<string, Track>();
  const unreadable: Unreadable[] = [];
  for (const { service, sources } of everything ? withoutDoubles(services) : services) {
    const found = sources.filter(({ path }) => !known.has(path)).map((source) => filesOf(source, look));
    const reason = found.find((one) => typeof one === "string");
    if (reason !== undefined) unreadable.push({ service, reason });
    else if (sources.length === 0 && !everything)
      unreadable.push({ service, reason: `${service} has no log file` });
    else
      for (const one of found) {
        if (typeof one === "string") continue;
        const { source } = one;
        const track = trackOf(service, one, everything);
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

interface Found {
  readonly source: LogSource;
  readonly segments: readonly Segment[];
}

function trackOf(service: string, { source, segments }: Found, everything: boolean): Track {
  const { path, format } = source;
  return {
    label: service,
    path,
    found: segments,
    isRecent: format === "recent",
    parser: () => recordParser(format, everything ? undefined : service),
  };
}

/** The files of a log, or why they cannot be read. */
function filesOf(source: LogSource, look: Look): Found | string {
  const { path, identity } = source;
  try {
    const segments = listSegments(path, look);
    const isSame = segments.some(({ dev, ino }) => `${dev}:${ino}` === identity);
    if (identity !== undefined && !isSame)
      return `cannot read ${path}: shepherd's file of that name cannot be seen from here (are its mounts others?)`;
    for (const segment of segments) accessSync(segment.path, constants.R_OK);
    return { source, segments };
  } catch (error) {
    // It was renamed just now: whoever opens it looks again.
    if (errorCode(error) === "ENOENT") return { source, segments: listSegments(path) };
    return `cannot read ${path}: ${systemErrorText(errorCode(error))}`;
  }
}
