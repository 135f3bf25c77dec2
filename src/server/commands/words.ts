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
  'wchc',
  'wchp',
  'wchs',
] as const

/** What a client may send instead of a handshake. */
export type CommandWord = (typeof words)[number]

const known: ReadonlySet<string> = new Set(words)

/** How many bytes a four-letter word has, its argument included; 0 for what is no such word. */
export function commandLength(word: string): number {
  if (!known.has(word)) return 0
  return word === 'stmk' ? 12 : 4
}
