// What herd says where it cannot have an answer.

/** Why there was no exchange, or no whole one, in the words for the user. */
export class ConnectionError extends Error {
  /** "interrupted" where the request was begun. */
  readonly kind: "connection" | "interrupted";

  constructor(message: string, kind: ConnectionError["kind"] = "connection") {
    super(message);
    this.name = "ConnectionError";
    this.kind = kind;
  }
}
