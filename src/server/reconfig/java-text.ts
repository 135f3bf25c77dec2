/** How Java reads what a configuration is written in; what it takes or refuses decides the error. */

/** Splits as Java does: what is empty at the end is left out. */
export function splitAt(text: string, separator: string): string[] {
  const parts = text.split(separator)
  while (parts.length > 1 && parts.at(-1) === '') parts.pop()
  return parts.length === 1 && text !== '' && parts[0] === '' ? [] : parts
}

/** The parts that are not blank, without the blanks around them. */
export function splitTrimmed(text: string, separator: string): string[] {
  return text
    .split(separator)
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

/** A whole number with or without a sign, or null. Beyond 2^53, where Java goes on to 2^63, nobody has ids. */
export function parseWhole(text: string, radix: 10 | 16 = 10): number | null {
  if (!(radix === 10 ? /^[+-]?\d+$/ : /^[+-]?[\da-f]+$/i).test(text)) return null
  const value = parseInt(text, radix)
  return Number.isSafeInteger(value) ? value : null
}

/** The entries of `java.util.Properties`: the last one of a key counts. */
export function parseProperties(text: string): Map<string, string> {
  const entries = new Map<string, string>()
  for (const line of logicalLines(text)) {
    const [, key = '', value = ''] = /^((?:\\.|[^\\=:\s])*)\s*[=:]?\s*(.*)$/su.exec(line) ?? []
    entries.set(unescape(key), unescape(value))
  }
  return entries
}

/** Without comments and empty lines; a backslash at its end joins a line with the next. */
function logicalLines(text: string): string[] {
  const lines: string[] = []
  let open = ''
  for (const natural of text.split(/\r\n|\n|\r/)) {
    const line = natural.replace(/^[ \t\f]+/, '')
    if (open === '' && (line === '' || line.startsWith('#') || line.startsWith('!'))) continue
    const isOpen = /(?:^|[^\\])(?:\\\\)*\\$/.test(line)
    open += isOpen ? line.slice(0, -1) : line
    if (isOpen) continue
    lines.push(open)
    open = ''
  }
  return open === '' ? lines : [...lines, open]
}

const escapes: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' }

function unescape(text: string): string {
  return text.replaceAll(/\\(.)/gsu, (_, character: string) => escapes[character] ?? character)
}
