// The HTTP server: what is asked, whether it may be, and bounds for everybody who asks.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { isRoot } from "../herd/views/view.js";
import { type Gate, isAuthorized, isOurHost, pageKey, whyNoOrder } from "./access.js";
import { EventStream } from "./event-stream.js";
import { Feed } from "./feed.js";
import { streamLog } from "./log-stream.js";
import { metricsText, metricsType, sampleOf } from "./metrics.js";
import { icon, overviewPage, servicePage, signInPage } from "./pages.js";
import { recently } from "./recently.js";
import { missingServices } from "./service-view.js";
import { NoAnswer, type Supervisor } from "./supervisor.js";
import { isOrder, type Order } from "./views.js";

/** What the browser loads beside the page. */
export interface Assets {
  readonly script: string;
  readonly style: string;
}

export interface ServerOptions {
  readonly supervisor: Supervisor;
  readonly gate: Gate;
  readonly assets: Assets;
  /** Connections at a time. */
  readonly maxClients: number;
  /** Told of what is our fault. */
  readonly failed: (error: unknown) => void;
}

/** Times are in ms, sizes in bytes. */
const bounds = {
  headers: 8192,
  headerCount: 100,
  headerTime: 10_000,
  requestTime: 15_000,
  /** A connection on which nothing happens; an event stream says something more often. */
  idleTime: 60_000,
  keepAliveTime: 5000,
  /** Orders under way at a time. */
  orders: 16,
  /** How long an answer to a health check or a scrape is good. */
  lasting: 1000,
} as const;

/** What a browser may do with our answers: nothing but what the page itself asks for. */
const commonHeaders: Readonly<Record<string, string>> = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "cache-control": "no-store",
};

const types = {
  html: "text/html; charset=utf-8",
  text: "text/plain; charset=utf-8",
  json: "application/json",
  script: "text/javascript; charset=utf-8",
  style: "text/css; charset=utf-8",
  icon: "image/svg+xml",
} as const;

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const text = (status: number, body: string, headers: Readonly<Record<string, string>> = {}): Answer => ({
  status,
  type: types.text,
  body: `${body}\n`,
  headers,
});
const fixed = (type: string, body: string): Answer => ({ status: 200, type, body });

/** Servers that show the same: one for each socket. */
export function webServers(options: ServerOptions, count: number): readonly Server[] {
  const site = new Site(options);
  return Array.from({ length: count }, () => {
    const server = createServer(
      {
        maxHeaderSize: bounds.headers,
        headersTimeout: bounds.headerTime,
        requestTimeout: bounds.requestTime,
        connectionsCheckingInterval: 1000,
        keepAliveTimeout: bounds.keepAliveTime,
      },
      (request, response) => {
        site.serve(request, response).catch(options.failed);
      },
    );
    server.maxConnections = options.maxClients;
    server.maxHeadersCount = bounds.headerCount;
    server.setTimeout(bounds.idleTime);
    return server;
  });
}

class Site {
  readonly #options: ServerOptions;
  readonly #feed: Feed;
  readonly #key: string;
  readonly #answers: () => Promise<void>;
  readonly #missing: () => Promise<readonly string[]>;
  readonly #metrics: () => Promise<string>;
  /** Streams of events: half of the connections are for others. */
  readonly #mostStreams: number;
  #streams = 0;
  #orders = 0;

  constructor(options: ServerOptions) {
    const { supervisor, gate, maxClients, failed } = options;
    this.#options = options;
    this.#feed = new Feed(supervisor, failed);
    this.#key = pageKey(gate.token);
    this.#mostStreams = Math.max(1, Math.floor(maxClients / 2));
    this.#answers = recently(() => supervisor.answers(), bounds.lasting);
    this.#missing = recently(async () => missingServices(await supervisor.services()), bounds.lasting);
    this.#metrics = recently(async () => await metricsText(await sampleOf(supervisor)), bounds.lasting);
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(commonHeaders)) response.setHeader(name, value);
    response.on("error", () => undefined);
    const answer = await this.#answer(request, response).catch((error: unknown) => {
      if (error instanceof NoAnswer) return text(503, `The supervisor does not answer: ${error.message}.`);
      this.#options.failed(error);
      return text(500, "This is a mistake of the server's; its log tells more.");
    });
    if (answer !== undefined) send(request, response, answer);
  }

  /** Undefined where the answer is a stream. */
  async #answer(request: IncomingMessage, response: ServerResponse): Promise<Answer | undefined> {
    const { gate } = this.#options;
    const { headers, method = "" } = request;
    const path = pathOf(request.url);
    if (!isOurHost(headers.host, gate))
      return text(
        421,
        "This is not asked for by a name of this server's: see the option 'hosts' of webService.",
      );
    if (path === undefined) return text(400, "The path cannot be read.");
    if (path === "/healthz" || path === "/readyz")
      return isReading(method) ? await this.#health(path) : notAllowed("GET, HEAD");
    if (!isAuthorized(headers, gate))
      return {
        status: 401,
        type: types.html,
        body: signInPage,
        headers: { "www-authenticate": 'Basic realm="shepherd", charset="UTF-8"' },
      };
    const [, section, name, ...words] = path.split("/");
    if (section === "services" && name !== undefined && words.length === 1) {
      const [word = ""] = words;
      if (isOrder(word))
        return method === "POST" ? await this.#order(request, response, word, name) : notAllowed("POST");
      if (word === "log")
        return isReading(method) ? await this.#log(name, response) : notAllowed("GET, HEAD");
    }
    if (!isReading(method)) return notAllowed("GET, HEAD");
    if (section === "services" && name !== undefined && words.length === 0) return await this.#service(name);
    if (path === "/events" && method === "GET")
      return this.#stream(response, (stream) => this.#feed.subscribe((change) => stream.send(change)));
    return await this.#page(path);
  }

  async #page(path: string): Promise<Answer> {
    const { assets } = this.#options;
    switch (path) {
      case "/":
        return fixed(types.html, overviewPage(this.#key));
      case "/page.js":
        return fixed(types.script, assets.script);
      case "/page.css":
        return fixed(types.style, assets.style);
      case "/icon.svg":
        return fixed(types.icon, icon);
      case "/metrics":
        return fixed(metricsType, await this.#metrics());
      case "/events":
        return notAllowed("GET");
      default:
        return text(404, "There is no such page.");
    }
  }

  /** /healthz: we and the daemon answer; /readyz: what is to run from the start does. */
  async #health(path: "/healthz" | "/readyz"): Promise<Answer> {
    if (path === "/healthz") {
      await this.#answers();
      return text(200, "ok");
    }
    const missing = await this.#missing();
    if (missing.length === 0) return text(200, "ok");
    return text(503, missing.join("\n"));
  }

  async #service(name: string): Promise<Answer> {
    const service = await this.#options.supervisor.service(name);
    if (service === undefined) return noService;
    return fixed(types.html, servicePage(service.provides[0], this.#key));
  }

  async #log(name: string, response: ServerResponse): Promise<Answer | undefined> {
    const { supervisor, failed } = this.#options;
    const service = await supervisor.service(name);
    if (service === undefined) return noService;
    return this.#stream(response, (stream) => {
      const closed = new AbortController();
      streamLog(service.provides[0], supervisor, stream, closed.signal)
        .catch((error: unknown) => {
          if (!(error instanceof NoAnswer)) failed(error);
        })
        .finally(() => stream.end());
      return () => closed.abort();
    });
  }

  #stream(response: ServerResponse, begin: (stream: EventStream) => () => void): Answer | undefined {
    // Nobody would be told a second time that the page has gone.
    if (response.destroyed) return undefined;
    if (this.#streams >= this.#mostStreams)
      return text(503, "There are too many pages open.", { "retry-after": "10" });
    this.#streams += 1;
    let end = (): void => undefined;
    const stream = new EventStream(response, () => {
      this.#streams -= 1;
      end();
    });
    end = begin(stream);
    return undefined;
  }

  async #order(
    request: IncomingMessage,
    response: ServerResponse,
    order: Order,
    name: string,
  ): Promise<Answer> {
    const { supervisor, gate } = this.#options;
    const reason = whyNoOrder(request.headers, gate);
    if (reason !== undefined) return text(403, `This order is refused: ${reason}.`);
    if (!hasNoBody(request)) return text(413, "An order has no body.", { connection: "close" });
    if (isRoot(name)) return text(403, "The supervisor itself takes orders from herd alone.");
    const service = await supervisor.service(name);
    if (service === undefined) return noService;
    if (this.#orders >= bounds.orders)
      return text(503, "There are too many orders under way.", { "retry-after": "5" });
    this.#orders += 1;
    // It takes as long as the service does. A connection that was closed meanwhile some browsers would ask again, on another one.
    response.on("timeout", () => undefined);
    try {
      const outcome = await supervisor.perform(order, service.provides[0]);
      this.#feed.hurry();
      return { status: 200, type: types.json, body: `${JSON.stringify(outcome)}\n` };
    } finally {
      this.#orders -= 1;
    }
  }
}

const noService = text(404, "There is no such service.");

function notAllowed(allow: string): Answer {
  return text(405, `Expected ${allow}.`, { allow });
}

function isReading(method: string): boolean {
  return method === "GET" || method === "HEAD";
}

function hasNoBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] === undefined && (headers["content-length"] ?? "0") === "0";
}

/** Without the query, decoded; a name has no slash in it, however it is written. Undefined for what is no path. */
function pathOf(url: string | undefined): string | undefined {
  const path = /^(\/[^?#]*)(\?|$)/.exec(url ?? "")?.[1];
  if (path === undefined) return undefined;
  try {
    const parts = path.split("/").map(decodeURIComponent);
    return parts.some((part) => part.includes("/") || part.includes("\0")) ? undefined : parts.join("/");
  } catch {
    return undefined;
  }
}

function send(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  if (response.destroyed) return;
  const body = Buffer.from(answer.body);
  response.writeHead(answer.status, {
    "content-type": answer.type,
    "content-length": body.length,
    ...answer.headers,
  });
  response.end(request.method === "HEAD" ? undefined : body);
}
