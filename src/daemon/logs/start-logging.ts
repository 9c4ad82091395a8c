// Brings the log writer up with the outputs of the daemon's own log that the command line asks for.

import { errorText } from "../error-text.js";
import type { DaemonLog } from "../log.js";
import type { DaemonOptions } from "../options.js";
import type { LogWriter, Sink } from "./log-writer.js";

const systemLog = "/dev/log";

/** Services do not wait for this. Where the log cannot be written as asked, it goes as near to that as it can. */
export async function startLogging(writer: LogWriter, options: DaemonOptions, log: DaemonLog): Promise<void> {
  const { logFile, silent, syslog } = options;
  const { format } = log;
  const path = logFile === undefined ? {} : { path: logFile };
  const logger = syslog === undefined ? {} : { syslog: syslog === true ? systemLog : syslog };
  const outputs: Sink = { outputs: silent === true ? [] : [1], format };
  const sinks: readonly Sink[] = [
    { ...outputs, ...path, ...logger },
    { ...outputs, ...path },
    { outputs: [1], format },
  ];
  try {
    await writer.start();
  } catch (error) {
    // It is started again and again; what waits for it goes on then.
    log.error(`log writer: ${errorText(error)}`);
  }
  for (const sink of sinks) {
    try {
      await writer.configureSink(sink);
      return;
    } catch (error) {
      log.error(`cannot write the log: ${errorText(error)}`);
    }
  }
}
