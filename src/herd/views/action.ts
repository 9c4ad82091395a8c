// Every other action: start, stop, restart, enable, disable, eval, a service's own.
import type { Reply } from "../../protocol/messages.js";
import { isList } from "../../protocol/sexp.js";
import { writeSexp } from "../../protocol/sexp-writer.js";
import { sexpToJson } from "../render/json.js";
import type { View } from "./view.js";

/** Messages are all there is to see. It succeeds unless one of its values is false. */
export const action: View = {
  text: () => "",
  json: (reply, { action: name, service }) => ({
    action: name,
    service,
    ok: succeeded(reply),
    result: sexpToJson(reply.result),
    messages: reply.messages,
  }),
  failure: (reply) => (succeeded(reply) ? undefined : true),
};

export const start: View = {
  ...action,
  failure: (reply, { service }) => (succeeded(reply) ? undefined : `failed to start service ${service}`),
};

/** Succeeds whatever the value is. */
export const evaluation: View = {
  text: ({ result }) => {
    const [value] = isList(result) ? result : [];
    return value === undefined ? "" : `${writeSexp(value)}\n`;
  },
  json: (reply, { action: name, service }) => ({
    action: name,
    service,
    ok: true,
    result: sexpToJson(reply.result),
    messages: reply.messages,
  }),
};

/** A start's result is the service's expression, whose fields are lists: no `#f` stands in it by itself. */
function succeeded({ result }: Reply): boolean {
  return isList(result) ? !result.includes(false) : result !== false;
}
