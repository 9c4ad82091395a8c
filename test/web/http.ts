// Requests to the service `web`, as programs send them, and as somebody who means harm does.

import { type IncomingHttpHeaders, type RequestOptions, request } from "node:http";
import { createConnection } from "node:net";
import type { Scope } from "../support/harness.js";

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** How one of our requests gets there, and with which token. */
export interface Site {
  readonly socketPath: string;
  readonly token: string;
}

/** With the token, as a program has it, unless the headers say otherwise. */
export function fetchFrom(
  { socketPath, token }: Site,
  path: string,
  { headers, ...options }: RequestOptions = {},
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        socketPath,
        path,
        agent: false,
        headers: { host: "localhost", authorization: `Bearer ${token}`, ...(headers as object) },
        ...options,
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk: string) => {
          text += chunk;
        });
        response.on("error", reject);
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
        );
      },
    );
    asked.on("error", reject);
    asked.end();
  });
}

/** Sends bytes; what came back until the end, and whether there was one. */
export class RawClient {
  text = "";
  isClosed = false;
  readonly #socket;

  constructor(scope: Scope, socketPath: string) {
    this.#socket = createConnection({ path: socketPath });
    this.#socket.setEncoding("utf8").on("data", (chunk: string) => {
      this.text += chunk;
    });
    this.#socket.on("error", () => undefined);
    this.#socket.on("close", () => {
      this.isClosed = true;
    });
    scope.after(() => {
      this.#socket.destroy();
    });
  }

  send(text: string): void {
    this.#socket.write(text);
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** The events of a stream so far. */
export class Events<Event> {
  readonly events: Event[] = [];
  isClosed = false;
  status = 0;
  readonly #asked;

  constructor(scope: Scope, { socketPath, token }: Site, path: string) {
    this.#asked = request(
      { socketPath, path, agent: false, headers: { host: "localhost", authorization: `Bearer ${token}` } },
      (response) => {
        this.status = response.statusCode ?? 0;
        let rest = "";
        response.setEncoding("utf8").on("data", (chunk: string) => {
          const parts = (rest + chunk).split("\n\n");
          rest = parts.pop() ?? "";
          for (const part of parts)
            if (part.startsWith("data: ")) this.events.push(JSON.parse(part.slice("data: ".length)) as Event);
        });
        response.on("error", () => undefined);
        response.on("close", () => {
          this.isClosed = true;
        });
      },
    );
    this.#asked.on("error", () => {
      this.isClosed = true;
    });
    this.#asked.end();
    scope.after(() => this.close());
  }

  close(): void {
    this.#asked.destroy();
  }
}
