// What a daemon does that finds services which the keeper has started from the record of a boot: it looks whether they are
// those of the configuration.

import { errorText } from "../error-text.js";
import type { InForce } from "../in-force.js";
import type { System } from "../system.js";
import { isRecordedId } from "./services.js";

export interface RepeatedParts {
  readonly system: System;
  readonly inForce: InForce;
  readonly config: string | undefined;
  /** The next boot is to be an ordinary one. */
  removeRecord(): Promise<void>;
  readonly log: { info(line: string): void; warn(line: string): void };
}

/**
 * Called when all is taken over. A configuration that is more than its files say may define something else at each boot: that
 * holds then, and the record is of no use.
 * @returns whether the keeper has repeated a boot
 */
export function afterRepetition(parts: RepeatedParts): boolean {
  const { system, inForce, log, removeRecord } = parts;
  const { notes, processes } = system;
  const note = notes.bootRecord;
  if (note === undefined) return false;
  const report = (error: unknown): void => log.warn(`after a boot from a record: ${errorText(error)}`);
  const count = processes.ids.filter(isRecordedId).length;
  const services = count === 1 ? "service was" : "services were";
  log.info(
    `${count} ${services} started from the record of an earlier boot${note.complete ? "" : ", in part"}.`,
  );
  const isAsRecorded = notes.redefined.size === 0 && inForce.isAsNoted;
  if (!note.complete || !isAsRecorded) removeRecord().catch(report);
  if (isAsRecorded) notes.bootRecordSeen();
  else putRight(parts).catch(report);
  return true;
}

async function putRight({ system, inForce, config, log }: RepeatedParts): Promise<void> {
  const { notes, supervisor, registry } = system;
  const changed = [...notes.redefined];
  const which = changed.length === 0 ? "" : `, such as ${changed.slice(0, 10).join(", ")}`;
  log.warn(
    `The configuration defines other services than when the boot was recorded${which}, although its files are the ` +
      "same: it is none for --boot-record. What it defines now is put into force.",
  );
  const request = system.background();
  if (config !== undefined) await inForce.reload(config, request);
  const up = changed.filter((name) => (registry.find(name)?.state.status ?? "stopped") !== "stopped");
  await Promise.all(up.map((name) => supervisor.restart(name, [], request)));
  notes.bootRecordSeen();
}
