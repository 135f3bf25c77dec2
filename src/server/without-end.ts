/**
 * The text without these characters at its end: Java's `split` drops the empty parts there, and those alone.
 *
 * No regular expression: one that looks for a run at the end tries anew at each character of every other run.
 */
export function withoutEnd(text: string, characters: string): string {
  let end = text.length
  while (end > 0 && characters.includes(text[end - 1]!)) end--
  return text.slice(0, end)
}
