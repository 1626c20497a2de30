/**
 * Text of foreign origin for a terminal. A stream id may hold any characters: one that moves the cursor, or turns the
 * direction of writing, would make the terminal say what is not so.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** One line: every character that is not shown as itself is shown as `\u{…}`. */
export function printable(text: string): string {
  return text.replace(
    UNPRINTABLE,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

/** Several lines, as {@link printable}. */
export function printableLines(text: string): string {
  return text.split("\n").map(printable).join("\n");
}
