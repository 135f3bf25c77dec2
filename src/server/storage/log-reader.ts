import { ProtocolError } from '../../common/errors.ts'
import type { Files, OpenFile } from '../../runtime/runtime.ts'
import { DataDirectoryError } from './data-directory-error.ts'
import { fileHeaderSize } from './file-header.ts'
import { hex, type DataFile } from './file-names.ts'
import { findWholeEntry, isZero, readEntry } from './log-codec.ts'
import type { LoggedTransaction } from './transaction-codec.ts'

/** What reading a log came to. */
export interface LogEnd {
  /** Size in bytes up to the end of the last whole transaction. */
  readonly size: number
  /** Zxid of the last whole transaction; 0 for none. */
  readonly lastZxid: number
  /** Why what follows is none, if it is not zeros: a write that was never finished. Null for a clean end. */
  readonly torn: string | null
}

const chunkSize = 1024 * 1024

/**
 * Reads a log from its first transaction to the last one that is whole.
 *
 * A write that power or space ran out in leaves a torn end, which nobody was told of; that is found, and passed over.
 * Damage with whole transactions behind it is another thing: they had been acknowledged. So is a last one that has its end
 * mark and a wrong checksum, which ZooKeeper does not pass over either.
 *
 * @param chunk - so many bytes are read at once, or a whole transaction if that is more
 * @throws {@link DataDirectoryError} for such damage, and for a file that is no log
 */
export async function readLog(
  files: Files,
  { path }: DataFile,
  onTransaction: (logged: LoggedTransaction) => void,
  chunk: number = chunkSize,
): Promise<LogEnd> {
  const file = await files.open(path)
  try {
    const header = await file.read(0, fileHeaderSize)
    const right = logStart.findIndex((byte, index) => byte !== header[index])
    if (right === -1 && header.length === fileHeaderSize) return await readEntries(file, path, onTransaction, chunk)
    // A log whose very first write was not finished: nothing of it is anything else.
    if (right !== -1 && !isZero(header, right)) throw noLog(path)
    return await checkTorn(file, path, 0, 0, 'an unfinished header')
  } finally {
    await file.close()
  }
}

const logStart = Buffer.from('ZKLG')

function noLog(path: string): DataDirectoryError {
  return new DataDirectoryError(path, 'no transaction log: it does not begin with ZKLG')
}

async function readEntries(
  file: OpenFile,
  path: string,
  onTransaction: (logged: LoggedTransaction) => void,
  chunk: number,
): Promise<LogEnd> {
  const size = await file.size()
  let start = fileHeaderSize
  let bytes = await file.read(start, chunk)
  let at = 0
  let lastZxid = 0
  for (;;) {
    const entry = readEntry(bytes, at)
    switch (entry.kind) {
      case 'transaction':
        onTransaction(entry.value)
        lastZxid = entry.value.header.zxid
        at = entry.next
        break
      case 'bad':
        return await checkTorn(file, path, start + at, lastZxid, entry.reason, entry.isWhole)
      case 'short':
      case 'end': {
        const needed = entry.kind === 'short' ? entry.needed : 12
        // However long an entry says it is: it is torn only where the file really ends before it does.
        const rest = Math.max(0, size - start - at)
        const ends = entry.kind === 'short' ? rest < needed : rest <= bytes.length - at
        if (ends) {
          const reason = entry.kind === 'short' ? 'it ends in the middle of a transaction' : null
          return await checkTorn(file, path, start + at, lastZxid, reason)
        }
        start += at
        bytes = await file.read(start, Math.min(Math.max(needed, chunk), rest))
        at = 0
        if (entry.kind === 'end' && bytes.length >= 12 && readEntry(bytes, 0).kind === 'end') {
          return await checkTorn(file, path, start, lastZxid, null)
        }
        break
      }
    }
  }
}

/** Looks at all that is behind the last whole transaction. */
async function checkTorn(
  file: OpenFile,
  path: string,
  size: number,
  lastZxid: number,
  reason: string | null,
  isWhole = false,
): Promise<LogEnd> {
  let end = size
  let used = false
  for (let at = size; ;) {
    const chunk = await file.read(at, chunkSize)
    if (chunk.length === 0) break
    if (!zeros.subarray(0, chunk.length).equals(chunk)) {
      end = at + chunk.length
      used = true
    }
    at += chunk.length
  }
  if (!used) return { size, lastZxid, torn: reason }
  const rest = await file.read(size, end - size)
  const whole = findWholeEntry(rest, 1)
  if (whole !== -1 || isWhole) {
    const after = lastZxid === 0 ? 'at its start' : `after 0x${hex(lastZxid)}`
    const what =
      whole === -1
        ? 'where a transaction was written to its end'
        : `with whole transactions behind it at byte ${size + whole}`
    throw new DataDirectoryError(
      path,
      `damaged ${after}, at byte ${size} (${reason ?? 'zeros'}), ${what}. Restore the file, or give up what is behind ` +
        `the damage: cut the file to ${size} bytes and remove all later logs and snapshots`,
    )
  }
  return { size, lastZxid, torn: reason ?? 'an unfinished write behind zeros' }
}

const zeros = Buffer.alloc(chunkSize)

/** Whether a failure means that a file is damaged, rather than that it could not be read at all. */
export function isDamage(error: unknown): boolean {
  return error instanceof ProtocolError
}
