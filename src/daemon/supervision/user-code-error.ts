// What user code threw, for those who asked for it to be run.

import { errorText } from "../error-text.js";

/** What user code threw while it served a request. */
export class UserCodeError extends Error {
  override readonly name = "UserCodeError";

  constructor(cause: unknown) {
    super(errorText(cause), { cause });
  }
}
