// Buttons that give orders: each is a request of its own, with the page's key in a header.

import { type Order, type OrderReply, orders } from "../views.js";
import { addressOf, byId, element, setText } from "./dom.js";

const words: Readonly<Record<Order, string>> = { start: "Start", stop: "Stop", restart: "Restart" };

export function orderButtons(service: string): readonly HTMLButtonElement[] {
  return orders.map((order) => {
    const button = element(
      "button",
      { type: "button", "aria-label": `${words[order]} ${service}` },
      words[order],
    );
    button.addEventListener("click", () => {
      give(order, service, button).catch((error: unknown) =>
        tell("failed", `${words[order]} ${service}: ${String(error)}`),
      );
    });
    return button;
  });
}

async function give(order: Order, service: string, button: HTMLButtonElement): Promise<void> {
  // One that is disabled would lose the focus.
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  tell("waiting", `${words[order]} ${service}…`);
  try {
    const response = await fetch(`${addressOf(service)}/${order}`, {
      method: "POST",
      headers: { "x-shepherd-token": key() },
    });
    if (!response.ok) {
      tell("failed", (await response.text()).trim());
      return;
    }
    const { ok, messages } = (await response.json()) as OrderReply;
    tell(
      ok ? "done" : "failed",
      `${words[order]} ${service}: ${ok ? "done" : "failed"}. ${messages.join(" ")}`,
    );
  } finally {
    button.removeAttribute("aria-disabled");
  }
}

function key(): string {
  return document.querySelector<HTMLMetaElement>('meta[name="shepherd-key"]')?.content ?? "";
}

function tell(state: "waiting" | "done" | "failed", text: string): void {
  const place = byId("outcome");
  place.dataset.state = state;
  setText(place, text);
}
