// One client of the service `repl`: its connection is our standard input and output, and what it types is evaluated by the
// daemon, one input after the other. We live on when the daemon dies, and so does the connection.

import { once } from "node:events";
import { ConnectionError, exchange } from "../herd/connection.js";
import { commandErrorText } from "../herd/report.js";
import { encodeCommand, type Reply } from "../protocol/messages.js";
import { isList, sym } from "../protocol/sexp.js";
import { version } from "../protocol/version.js";
import { isIncomplete, linesOf, longestInput } from "./input.js";

const greeting = `shepherd-ts ${version}: JavaScript, evaluated inside the supervisor, with all that 'shepherd-ts' exports in scope.
`;
const prompts = { input: "> ", more: "... " } as const;
const forgotten = "The supervisor was restarted: what this session had defined is gone.\n";
const interrupted = "The supervisor was restarted while it evaluated this, which is not repeated.\n";

class Session {
  readonly #controlSocket: string;
  /** Whether the daemon has had something to remember of us. */
  #hasBegun = false;

  constructor(controlSocket: string) {
    this.#controlSocket = controlSocket;
  }

  async converse(input: AsyncIterable<string>): Promise<void> {
    await say(greeting + prompts.input);
    let source = "";
    for await (const line of linesOf(input)) {
      source += `${line}\n`;
      if (source.length > longestInput) {
        await say(`An input has at most ${longestInput} characters.\n`);
      } else if (source.trim() !== "") {
        // An empty line ends what seems to go on.
        if (line !== "" && isIncomplete(source)) {
          await say(prompts.more);
          continue;
        }
        await say(await this.#evaluate(source));
      }
      source = "";
      await say(prompts.input);
    }
  }

  /** What the client is to read. */
  async #evaluate(source: string): Promise<string> {
    const command = encodeCommand({
      action: sym("repl-eval"),
      service: sym("root"),
      arguments: [String(process.pid), source],
      directory: "/",
      stream: true,
    });
    try {
      const reply = await exchange(this.#controlSocket, command, {
        cleanse: (expression) => expression,
        onMessage: (line) => {
          process.stdout.write(`${line}\n`);
        },
      });
      if (reply === undefined) return interrupted;
      return this.#answer(reply);
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      return `${error.message}\n`;
    }
  }

  #answer({ result, error }: Reply): string {
    if (error !== undefined) return `${commandErrorText(error)}\n`;
    const [answer] = isList(result) ? result : [];
    const [, text, fresh] = answer !== undefined && isList(answer) ? answer : [];
    const hadBegun = this.#hasBegun;
    this.#hasBegun = true;
    return `${fresh === true && hadBegun ? forgotten : ""}${typeof text === "string" ? text : ""}\n`;
  }
}

/** A client that reads slowly is not asked for more meanwhile. */
async function say(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, "drain");
}

/** Whoever went away wants to hear nothing more. */
process.stdout.on("error", () => process.exit(0));

const [controlSocket, ...rest] = process.argv.slice(2);
if (controlSocket === undefined || rest.length > 0) {
  process.stderr.write("repl: expected one argument: the supervisor's control socket\n");
  process.exitCode = 1;
} else {
  // We end of ourselves, once the client has read everything.
  new Session(controlSocket).converse(process.stdin.setEncoding("utf8")).catch((error: unknown) => {
    process.stdout.write(`repl: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
}
