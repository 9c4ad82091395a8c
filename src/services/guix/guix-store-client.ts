// What guix-daemon's service asks of the daemon that it runs, by the store client.

import type { StoreConnection } from "../../store/index.js";

/** What became of the garbage. */
export interface Collected {
  /** How many store items were deleted. */
  readonly items: number;
  /** Bytes. */
  readonly freed: number;
}

export interface StoreClient {
  /** Resolves once the daemon has answered; rejects with why it does not. */
  reach(socket: string): Promise<void>;
  validPath(socket: string, path: string): Promise<boolean>;
  /** Deletes what nobody needs; with `bytes` until so many are freed. */
  collectGarbage(socket: string, bytes: number | undefined): Promise<Collected>;
  /** Resolves with whether no error remains. */
  verify(socket: string, checkContents: boolean, repair: boolean): Promise<boolean>;
}

/** It is loaded when it is needed first, and not with every configuration. */
const library = () => import("../../store/index.js");

/** The client. What the daemon says of its work goes to whoever asked for it. */
export const storeClient: StoreClient = {
  reach: (socket) => connected(socket, () => Promise.resolve()),
  validPath: async (socket, path) => {
    const { validPath } = await library();
    return await connected(socket, (store) => validPath(store, path));
  },
  collectGarbage: async (socket, bytes) => {
    const { collectGarbage } = await library();
    const { paths, freed } = await connected(socket, (store) => collectGarbage(store, bytes));
    return { items: paths.length, freed };
  },
  verify: async (socket, checkContents, repair) => {
    const { verifyStore } = await library();
    return await connected(socket, (store) => verifyStore(store, { checkContents, repair }));
  },
};

async function connected<T>(socket: string, ask: (store: StoreConnection) => Promise<T>): Promise<T> {
  const { withStore } = await library();
  const output = linesToClient();
  try {
    return await withStore(ask, socket, { buildOutputPort: output.take });
  } finally {
    output.end();
  }
}

/** Longer lines are told in pieces. */
const longestLine = 65_536;

function linesToClient(): { readonly take: (text: string) => void; readonly end: () => void } {
  let rest = "";
  const end = (): void => {
    if (rest !== "") console.log(rest);
    rest = "";
  };
  const take = (text: string): void => {
    const lines = (rest + text).split(/\r?\n/);
    rest = lines.pop() ?? "";
    for (const line of lines) console.log(line);
    if (rest.length > longestLine) end();
  };
  return { take, end };
}
