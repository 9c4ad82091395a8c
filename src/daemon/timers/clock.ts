// The machine's clocks, as timers see them.

import { uptime } from "node:os";
import type { Instant } from "./plan.js";

export function systemInstant(): Instant {
  return {
    realtime: Date.now(),
    monotonic: Number(process.hrtime.bigint() / 1_000_000n),
    boottime: Math.round(uptime() * 1000),
  };
}
