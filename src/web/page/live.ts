// The connections to the server: what is going on, and whether the supervisor answers.

import type { Change, SupervisorView } from "../views.js";
import { byId, setText } from "./dom.js";
import { openStream } from "./stream.js";

/** Calls `changed` with each change, for as long as the page is open; tells beside its heading what the connection is like. */
export function listen(changed: (change: Change) => void): void {
  let last: SupervisorView | undefined;
  let told = "";
  const learn = (change: Change): void => {
    const { supervisor } = change;
    if (last?.pid !== undefined && supervisor.pid !== undefined && last.pid !== supervisor.pid)
      told = ` It was restarted at ${new Date().toLocaleTimeString()}; the services went on.`;
    if (supervisor.pid !== undefined) last = supervisor;
    show(supervisor, told);
    changed(change);
  };
  openStream<Change>("/events", {
    told: learn,
    lost: () => tell("lost", "The page has lost its server, and tries again. What it shows may be old."),
  });
}

function show({ answers, rescue }: SupervisorView, told: string): void {
  if (!answers) tell("lost", "The supervisor does not answer, and is waited for. Services run on.");
  else if (rescue !== undefined) tell("lost", `The supervisor is in rescue mode: ${rescue}.`);
  else tell("live", `Live.${told}`);
}

function tell(state: "live" | "lost", text: string): void {
  const place = byId("connection");
  place.dataset.state = state;
  setText(place, text);
}
