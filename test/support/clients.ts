// Clients of stream sockets.

import { connect, type NetConnectOpts, type Socket } from "node:net";

export type Address = NetConnectOpts;

/** For so long, in ms, the other side may say nothing: then a test fails, instead of waiting for ever. */
const patience = 60_000;

/** Ends a connection on which nothing happens. */
function expire(connection: Socket): void {
  connection.setTimeout(patience, () =>
    connection.destroy(new Error(`the other side has said nothing for ${patience / 1000} s`)),
  );
}

/** Sends a line, or nothing, and the end; resolves with all that came back, and rejects where nobody listens. */
export function ask(address: Address, line?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const connection = connect(address, () => connection.end(line === undefined ? "" : `${line}\n`));
    expire(connection);
    let text = "";
    connection.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
    connection.on("error", reject);
    connection.on("close", () => resolve(text));
  });
}

/** Whether a connection is closed without an answer; what it had sent may have been thrown away. */
export async function isHungUp(address: Address): Promise<boolean> {
  try {
    return (await ask(address, "hello?")) === "";
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ECONNRESET") return true;
    throw error;
  }
}

/** Whether nobody listens. */
export function isRefused(address: Address): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const connection = connect(address, () => {
      connection.destroy();
      resolve(false);
    });
    connection.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNREFUSED" || error.code === "ENOENT") resolve(true);
      else reject(error);
    });
  });
}

export interface Conversation {
  /** Sends `text` and resolves with as much of an answer. */
  say(text: string): Promise<string>;
  /** All that came back, when the other side has ended. */
  readonly ended: Promise<string>;
  end(): Promise<string>;
}

/** Connects to somebody who answers everything with itself, and says the first thing. */
export async function converse(address: Address, first: string): Promise<Conversation> {
  const connection = connect(address);
  expire(connection);
  let text = "";
  let heard: () => void = () => undefined;
  connection.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
    heard();
  });
  let failure: Error | undefined;
  connection.on("error", (error) => {
    failure = error;
  });
  const ended = new Promise<string>((resolve) => {
    connection.on("close", () => {
      heard();
      resolve(text);
    });
  });
  const say = async (line: string): Promise<string> => {
    const before = text.length;
    connection.write(line);
    while (text.length < before + line.length) {
      if (connection.destroyed) throw failure ?? new Error(`say ${line}: the other side has hung up`);
      await new Promise<void>((resolve) => {
        heard = resolve;
      });
    }
    return text.slice(before);
  };
  await say(first);
  return {
    say,
    ended,
    end: () => {
      connection.end();
      return ended;
    },
  };
}

/** Clients that ask one question after the other until they are told to stop. */
export class Load {
  /** Wrong answers, and errors. */
  readonly problems: string[] = [];
  answered = 0;
  #stop = false;
  readonly #clients: Promise<unknown>;

  /** @param questionOf makes a question of what no other question has */
  constructor(
    addresses: readonly Address[],
    isRight: (answer: string, question: string) => boolean,
    questionOf = (id: string): string => `question ${id}`,
  ) {
    this.#clients = Promise.all(
      addresses.map(async (address, index) => {
        for (let round = 0; !this.#stop; round += 1) {
          const question = questionOf(`${index}.${round}`);
          const answer = await ask(address, question).catch((error: unknown) => String(error));
          if (isRight(answer, question)) this.answered += 1;
          else this.problems.push(`${question}: ${JSON.stringify(answer)}`);
        }
      }),
    );
  }

  async end(): Promise<void> {
    this.#stop = true;
    await this.#clients;
  }
}
