// Base 32 as names of store items are written in it: other letters than elsewhere, and the last digit first.

const alphabet = "0123456789abcdfghijklmnpqrsvwxyz";

export const isBase32 = (text: string): boolean => /^[0-9abcdfghijklmnpqrsvwxyz]*$/.test(text);

export function base32(bytes: Uint8Array): string {
  let text = "";
  for (let digit = Math.ceil((bytes.length * 8) / 5) - 1; digit >= 0; digit--) {
    const bit = digit * 5;
    const [index, shift] = [bit >> 3, bit & 7];
    const two = (bytes[index] ?? 0) | ((bytes[index + 1] ?? 0) << 8);
    text += alphabet[(two >> shift) & 31];
  }
  return text;
}

/** Undefined for what `base32` gives for no bytes. */
export function fromBase32(text: string): Buffer | undefined {
  const bytes = Buffer.alloc(Math.floor((text.length * 5) / 8));
  for (let place = 0; place < text.length; place++) {
    const value = alphabet.indexOf(text.charAt(text.length - 1 - place));
    if (value < 0) return undefined;
    const bit = place * 5;
    const [index, shift] = [bit >> 3, bit & 7];
    const two = value << shift;
    bytes[index] = (bytes[index] ?? 0) | (two & 0xff);
    if (two > 0xff) {
      if (index + 1 >= bytes.length) return undefined;
      bytes[index + 1] = two >> 8;
    }
  }
  return bytes;
}
