// A connection as the client uses it: bytes both ways, and an end.

import type { Wait } from "../wire/decode.js";

/** Told what arrives. Both are called from the event loop, never from within a call of the channel's. */
export interface Receiver {
  /** @param memory valid during the call only; what has arrived is the first `length` bytes of it */
  data(memory: Buffer, length: number): void;
  /** Nothing more will arrive; with what went wrong, if something did. At most once. */
  end(error?: Error): void;
}

export interface Channel {
  /** To be called once, in the turn in which the channel was made: what arrives before is lost. */
  receive(receiver: Receiver): void;
  /** Sends; gives what has to be waited for before more is sent, which ends with the connection at the latest. */
  write(data: Uint8Array): Wait;
  /** Stops and goes on reading, so that a daemon waits for a caller who is slow. */
  pause(): void;
  resume(): void;
  /** Why there is nothing at the other end, where the channel knows: what ssh said. */
  explain(): string | undefined;
  /** Ends the connection, whatever it was doing. What it gives is fulfilled when nothing of it is left. */
  close(): Promise<void>;
}
