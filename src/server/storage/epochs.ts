import { join } from 'node:path'

import type { Files } from '../../runtime/runtime.ts'
import { unfinishedPrefix } from './file-names.ts'

const epochSize = 0x1_0000_0000

/** What a member of a quorum keeps beside its snapshots: the last epoch that it agreed to, and the one that it is in. */
const names = ['acceptedEpoch', 'currentEpoch'] as const

/**
 * Has the epoch files, where a quorum's member left some, say no less than what the last transaction is of: it would not
 * start with its own directory otherwise. They are behind where a member ended between taking over its leader's history and
 * noting the epoch, and after the four billion transactions that an epoch can have. Returns what was mended, in sentences.
 */
export async function keepEpochs(files: Files, folder: string, lastZxid: number): Promise<string[]> {
  const epoch = Math.floor(lastZxid / epochSize)
  const notices: string[] = []
  for (const name of names) {
    const path = join(folder, name)
    if (!(await files.exists(path))) continue
    const text = (await files.readFile(path)).toString('latin1').trim()
    if (/^\d{1,15}$/.test(text) && Number(text) >= epoch) continue
    await replace(files, folder, name, String(epoch))
    notices.push(
      `${path}: said "${text.slice(0, 20)}", but the last transaction is of epoch ${epoch}, which it says now`,
    )
  }
  return notices
}

async function replace(files: Files, folder: string, name: string, text: string): Promise<void> {
  const unfinished = join(folder, `${unfinishedPrefix}${name}`)
  const file = await files.open(unfinished, { create: true })
  try {
    await file.write(0, Buffer.from(text))
    await file.sync()
  } finally {
    await file.close()
  }
  await files.rename(unfinished, join(folder, name))
  await files.syncDirectory(folder)
}
