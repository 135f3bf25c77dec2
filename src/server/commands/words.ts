const words = [
  'conf',
  'cons',
  'crst',
  'dirs',
  'dump',
  'envi',
  'gtmk',
  'hash',
  'isro',
  'mntr',
  'ruok',
  'srst',
  'srvr',
  'stat',
  'stmk',
  'telnet close',
  'wchc',
  'wchp',
  'wchs',
] as const

/** What a client may send instead of a handshake. */
export type CommandWord = (typeof words)[number]

const known: ReadonlySet<string> = new Set(words)

/** What a telnet sends that is interrupted. ZooKeeper closes the connection, and has a name for that in its whitelist. */
const telnetClose = '\xff\xf4\xff\xfd'

/** The word that begins with these four bytes; null for none. */
export function commandNamed(bytes: string): string | null {
  if (bytes === telnetClose) return 'telnet close'
  return known.has(bytes) ? bytes : null
}

/** How many bytes a four-letter word has, its argument included; 0 for what is no such word. */
export function commandLength(word: string): number {
  if (!known.has(word)) return 0
  return word === 'stmk' ? 12 : 4
}

/** Whether a word is in the whitelist: `srvr` always is, and so is `isro` where clients look for it. */
export function isEnabled(
  word: string,
  { fourLetterWords, readOnly }: { readonly fourLetterWords: ReadonlySet<string> | null; readonly readOnly: boolean },
): boolean {
  return fourLetterWords === null || fourLetterWords.has(word) || word === 'srvr' || (word === 'isro' && readOnly)
}
