// What a token must be like: for the supervisor, which checks configurations, and for the program that uses it.

/** Whoever can ask as often as he likes must not guess it. */
const leastLength = 16;
export const mostTokenLength = 1024;

export const tokenRule = `${leastLength} to ${mostTokenLength} printable ASCII characters without spaces`;

/** What an HTTP header can carry as it is. */
export function isToken(text: unknown): text is string {
  return (
    typeof text === "string" &&
    text.length >= leastLength &&
    text.length <= mostTokenLength &&
    /^[\x21-\x7e]+$/.test(text)
  );
}
