// What the supervisor tells a console's holder when it starts it.

import type { Size } from "./console.js";

export interface HolderSettings extends Size {
  /** Bytes that are kept for viewers to come. */
  readonly scrollback: number;
  /** Whose the terminal is; absent: the supervisor's. */
  readonly uid?: number;
}
