// A connection to one of the server's streams, for as long as the page is seen: one in the background costs nobody anything,
// and takes none of the few connections that a browser makes to one server.

/** How long, in ms, the server is left alone that has refused us. */
const againAfter = 3000;

export interface StreamOptions<Event> {
  /** Called for each connection, which begins with everything. */
  readonly opened?: () => void;
  readonly told: (event: Event) => void;
  readonly lost?: () => void;
}

export function openStream<Event>(path: string, { opened, told, lost }: StreamOptions<Event>): void {
  let source: EventSource | undefined;
  const close = (): void => {
    source?.close();
    source = undefined;
  };
  const open = (): void => {
    if (source !== undefined || document.hidden) return;
    const events = new EventSource(path);
    source = events;
    events.onopen = () => opened?.();
    events.onmessage = ({ data }: MessageEvent<string>) => told(JSON.parse(data) as Event);
    events.onerror = () => {
      lost?.();
      // A browser tries again by itself, unless it was given another answer than a stream.
      if (events.readyState !== EventSource.CLOSED) return;
      close();
      setTimeout(open, againAfter);
    };
  };
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  open();
}
