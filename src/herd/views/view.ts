// How a command's reply is shown: each family of commands has one view.
import type { Reply } from "../../protocol/messages.js";
import type { DetailOptions } from "../render/detail.js";
import type { JsonValue } from "../render/json.js";

/** What was asked, as far as a view needs it. */
export interface Subject {
  readonly action: string;
  /** `root` where the user named none. */
  readonly service: string;
  readonly words: readonly string[];
}

export interface View {
  /** What follows the messages of the reply, which are printed for every command. */
  readonly text: (reply: Reply, subject: Subject, options: DetailOptions) => string;
  readonly json: (reply: Reply, subject: Subject) => JsonValue;
  /** Why the command failed although the daemon reports no error; `true` when there is nothing to say. */
  readonly failure?: (reply: Reply, subject: Subject) => string | true | undefined;
}

export function isRoot(service: string | undefined): boolean {
  return service === undefined || service === "root" || service === "shepherd";
}
