// The page of one service: how it is, orders, and its log as it is written.

import { sizeText, spanText, stateSigns } from "../format.js";
import type { LogLine, LogLines, ServiceView } from "../views.js";
import { addressOf, byId, element, setText } from "./dom.js";
import { listen } from "./live.js";
import { orderButtons } from "./orders.js";
import { openStream } from "./stream.js";

/** Lines that the page holds; the oldest go. */
const mostLines = 2000;

export function servicePage(name: string): void {
  let view: ServiceView | undefined;
  byId("orders").append(...orderButtons(name));
  listen(({ whole, services, removed }) => {
    const found = services.find((one) => one.name === name);
    if (found !== undefined) view = found;
    else if (whole || removed.includes(name)) view = undefined;
    show(name, view);
  });
  setInterval(() => show(name, view), 1000);
  showLog(name);
}

function show(name: string, view: ServiceView | undefined): void {
  const facts = byId("facts");
  if (view === undefined) {
    facts.replaceChildren(element("dt", {}, "State"), element("dd", {}, `There is no service ${name} now.`));
    return;
  }
  setText(byId("documentation"), view.documentation);
  const texts = factsOf(view);
  // Only what has changed is touched: links keep the focus.
  const shown = JSON.stringify(texts);
  if (facts.dataset.shown === shown) return;
  facts.dataset.shown = shown;
  facts.replaceChildren(
    ...texts.flatMap(([term, text]) => [element("dt", {}, term), element("dd", {}, text)]),
    ...(view.requires.length === 0
      ? []
      : [element("dt", {}, "Requires"), element("dd", {}, ...links(view.requires))]),
  );
  facts.dataset.state = view.state;
}

function factsOf(view: ServiceView): readonly (readonly [term: string, text: string])[] {
  const { sign, word } = stateSigns[view.state];
  const now = Date.now() / 1000;
  const facts: [string, string][] = [["State", `${sign} ${word}${view.enabled ? "" : ", disabled"}`]];
  if (view.why !== undefined) facts.push(["Why", view.why]);
  if (view.since !== undefined) facts.push(["For", spanText(now - view.since)]);
  if (view.pid !== undefined) facts.push(["Process", String(view.pid)]);
  if (view.memory !== undefined) facts.push(["Memory", sizeText(view.memory)]);
  if (view.restarts > 0) facts.push(["Restarts", String(view.restarts)]);
  for (const alarm of view.alarms ?? [])
    facts.push(["Goes off", `${new Date(alarm * 1000).toLocaleString()}, in ${spanText(alarm - now)}`]);
  if (view.lastRun !== undefined)
    facts.push(["Last run", `${new Date(view.lastRun.end * 1000).toLocaleString()}: ${view.lastRun.how}`]);
  return facts;
}

function links(names: readonly string[]): readonly (Node | string)[] {
  return names.flatMap((name, index) => [
    ...(index === 0 ? [] : [", "]),
    element("a", { href: addressOf(name) }, name),
  ]);
}

function showLog(name: string): void {
  const log = byId("log");
  const follow = byId("follow") as HTMLInputElement;
  openStream<LogLines>(`${addressOf(name)}/log`, {
    // Each connection begins with the last lines.
    opened: () => log.replaceChildren(),
    told: ({ lines = [], notice }) => {
      if (notice !== undefined) log.append(element("p", { class: "notice" }, notice));
      log.append(...lines.map(lineElement));
      while (log.childElementCount > mostLines) log.firstElementChild?.remove();
      if (follow.checked) log.scrollTop = log.scrollHeight;
    },
  });
}

function lineElement({ time, text }: LogLine): HTMLElement {
  if (time === null) return element("p", {}, text);
  return element("p", {}, element("time", {}, new Date(time).toLocaleTimeString()), " ", text);
}
