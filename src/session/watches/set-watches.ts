import { operations } from '../../protocol/operations.ts'
import type { Writer } from '../../protocol/writer.ts'
import type { WatchKind, WatchRegistry } from './watch-registry.ts'

/**
 * How much of a setWatches request the paths may take, in bytes: a server refuses frames above `jute.maxbuffer`, so that
 * Java's client, too, sends many watches in portions of 128 KiB (ZOOKEEPER-706).
 */
const portionLimit = 128 * 1024

/** One setWatches request: the paths by kind. */
export type WatchPortion = Record<WatchKind, string[]>

/**
 * The registry's paths in portions. A path costs its bytes and four for their count.
 *
 * @param maxBuffer - of which portions stay well below, should it be small
 */
export function* watchPortions(watches: WatchRegistry, maxBuffer: number): Generator<WatchPortion, void, void> {
  const limit = Math.min(portionLimit, maxBuffer / 2)
  let portion = emptyPortion()
  let size = 0
  for (const kind of ['data', 'exist', 'child', 'persistent', 'recursive'] as const) {
    for (const path of watches.paths(kind)) {
      const cost = 4 + Buffer.byteLength(path)
      if (size > 0 && size + cost > limit) {
        yield portion
        portion = emptyPortion()
        size = 0
      }
      portion[kind].push(path)
      size += cost
    }
  }
  if (size > 0) yield portion
}

function emptyPortion(): WatchPortion {
  return { data: [], exist: [], child: [], persistent: [], recursive: [] }
}

/** Writes opcode and body: setWatches, which every server knows, where there are one-shot watches alone. */
export function writePortion(writer: Writer, portion: WatchPortion, lastZxid: bigint): void {
  const oneShot = {
    relativeZxid: lastZxid,
    dataWatches: portion.data,
    existWatches: portion.exist,
    childWatches: portion.child,
  }
  if (portion.persistent.length + portion.recursive.length === 0) {
    writer.int(operations.setWatches.opcode)
    operations.setWatches.request.write(writer, oneShot)
    return
  }
  writer.int(operations.setWatches2.opcode)
  operations.setWatches2.request.write(writer, {
    ...oneShot,
    persistentWatches: portion.persistent,
    persistentRecursiveWatches: portion.recursive,
  })
}
