// The English names of weekdays and months, as calendar expressions spell them.

/** In the order of their numbers, from 0. */
export const weekdayNames = [
  "sunday",
  "monday",
  "tuesday",
  "wednesday",
  "thursday",
  "friday",
  "saturday",
] as const;

/** In the order of their numbers, from 1. */
export const monthNames = [
  "january",
  "february",
  "march",
  "april",
  "may",
  "june",
  "july",
  "august",
  "september",
  "october",
  "november",
  "december",
] as const;

/** Whether a text means a name: it is the whole name or its first three letters, in any case. */
export function means(text: string): (name: string) => boolean {
  const wanted = text.toLowerCase();
  return (name) => wanted === name || wanted === name.slice(0, 3);
}
