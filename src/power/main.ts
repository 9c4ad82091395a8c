// halt, poweroff, reboot and shutdown: ask the system's shepherd, as PID 1, to end the system. They do nothing themselves.

import { UsageError } from "../cli/gnu-options.js";
import { ConnectionError, exchange } from "../herd/connection.js";
import { endsShepherd } from "../herd/ending.js";
import { DescriptorOutput } from "../herd/output.js";
import { recover } from "../herd/recovery.js";
import { commandErrorText } from "../herd/report.js";
import { type Command, encodeCommand, type Reply } from "../protocol/messages.js";
import { isList, type Sexp, sym } from "../protocol/sexp.js";
import { defaultSocketPath } from "../protocol/socket-path.js";
import { type PowerRequest, type Program, parsePowerLine, programs } from "./options.js";

const output = new DescriptorOutput(1, "standard output");
const errors = new DescriptorOutput(2, "standard error");
/** Root's: neither the environment nor who asks makes another one the system's. */
const systemSocket = defaultSocketPath({}, 0);

async function main(program: Program, args: readonly string[]): Promise<0 | 1> {
  const complain = (text: string): void => errors.write(`${program}: error: ${text}\n`);
  try {
    const parsed = await parsePowerLine(program, args);
    if (parsed.kind === "print") {
      output.write(parsed.text);
      return 0;
    }
    const reply = await ask(parsed.request);
    for (const line of reply?.messages ?? []) output.write(`${line}\n`);
    if (reply?.error !== undefined) complain(commandErrorText(reply.error));
    else if (reply === undefined || isTrue(reply.result)) return 0;
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof ConnectionError)) throw error;
    complain(error.message);
    if (error instanceof UsageError && error.hint !== undefined)
      errors.write(`${program}: hint: ${error.hint}\n`);
  }
  return 1;
}

/** A result of false was explained by what came before it. */
function isTrue(result: Sexp): boolean {
  return isList(result) && result[0] !== false;
}

/** The reply; undefined where shepherd ended before it came, as it was told. */
async function ask({
  action,
  arguments: args,
  socket: path = systemSocket,
}: PowerRequest): Promise<Reply | undefined> {
  const command: Command = {
    action: sym(action),
    service: sym("root"),
    arguments: args,
    directory: "/",
    stream: true,
    id: `${process.pid}-${Math.random().toString(36).slice(2)}${Math.random().toString(36).slice(2)}`,
  };
  const cleanse = (expression: Sexp): Sexp => expression;
  const shown: string[] = [];
  const show = (line: string): void => {
    shown.push(line);
    output.write(`${line}\n`);
  };
  const reply = await exchange(path, encodeCommand(command), { cleanse, onMessage: show });
  if (reply !== undefined) return reply;
  const ending = endsShepherd(action, args);
  const tell = (text: string): void => errors.write(`${text}\n`);
  return await recover({ path, command, ending, cleanse, shown, show, tell });
}

const [name, ...args] = process.argv.slice(2);
const program = programs.find((one) => one === name);
if (program === undefined) {
  errors.write(`power: error: expected one of ${programs.join(", ")} as the first argument\n`);
  process.exitCode = 1;
} else {
  main(program, args).then(
    (status) => {
      process.exitCode = status;
    },
    (error: unknown) => {
      errors.write(`${program}: error: ${error instanceof Error ? error.stack : String(error)}\n`);
      process.exitCode = 1;
    },
  );
}
