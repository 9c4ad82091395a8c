// 100 MB of lines of 100 bytes through the supervisor's own logging.

import { statSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { Unable } from "../life.js";
import { countLines } from "../lines.js";
import { activityOf } from "../usage.js";
import type { Experiment } from "./experiment.js";

const lines = 1_000_000;
const width = 100;
/** What a program that buffers its output by itself writes at once. */
const block = 4000;
const service = "logged";

export const log: Experiment = {
  name: "log",
  scenario: {
    name: "log",
    refuses: ({ logging }) => (logging === undefined ? "no logging of its own" : undefined),
    services: ({ stamps, helper }) => [
      {
        name: service,
        command: [helper, "blast", stamps.file, String(lines), String(width), String(block)],
        needs: [],
        log: true,
      },
    ],
    begin: (life) => life.boot(1),
  },
  async measure(life) {
    await delay(1000);
    const own = life.own().map(({ pid }) => pid);
    const before = activityOf(own);
    const patience = 180;
    if (!(await life.until(() => life.stamps.find("@end") !== undefined, patience)))
      throw new Unable(`not written within ${patience} s`);
    let size = -1;
    const isQuiet = async (): Promise<boolean> => {
      const last = size;
      size = life.logs(service).reduce((total, file) => total + statSync(file).size, 0);
      if (size === last) return true;
      await delay(1000);
      return false;
    };
    while (!(await isQuiet()));
    const { cpu } = activityOf(own);
    const files = life.logs(service);
    // The kernel's stamp of the last write, as a time of the clock that the helper stamps with.
    const offset = Date.now() * 1e6 - Number(process.hrtime.bigint());
    const written = Math.max(...files.map((file) => statSync(file).mtimeMs * 1e6 - offset));
    const begin = life.stamps.get("@begin").at;
    const seconds = (Math.max(written, life.stamps.get("@end").at) - begin) / 1e9;
    const { lost } = await countLines(files, lines);
    return [
      { metric: "log, MB/s", value: (lines * width) / 1e6 / seconds },
      { metric: "log, lines lost", value: lost },
      { metric: "log, CPU s", value: (cpu - before.cpu) / 1000 },
    ];
  },
};
