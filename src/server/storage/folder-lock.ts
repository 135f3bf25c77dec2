import { join } from 'node:path'

import { nodeProcesses } from '../../runtime/node-processes.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import { DataDirectoryError } from './data-directory-error.ts'

/** What the name of a lock begins with; the rest is the id of the process. ZooKeeper passes over such files. */
export const lockPrefix = 'kazoo.lock.'

const tries = 5
/** The longest pause between two tries, in ms. */
const longestPause = 50

/**
 * Takes a folder for this process alone; what it returns gives it back. Each process has a lock file of its own, whose name
 * says all, makes it first and looks for others' afterwards: so of two that start together one sees the other, at least.
 * What a process left behind that runs no more is removed.
 *
 * @throws {@link DataDirectoryError} that names the process which has it
 */
export async function lockFolder(runtime: Runtime, folder: string): Promise<() => Promise<void>> {
  const { files, processes = nodeProcesses } = runtime
  const own = `${lockPrefix}${await processes.own()}`
  const path = join(folder, own)
  for (let left = tries; ;) {
    await makeLock(runtime, folder, path)
    const other = await findOther(runtime, folder, own).catch(async (error: unknown) => {
      await files.remove(path)
      throw error
    })
    if (other === null) return () => files.remove(path)
    await files.remove(path)
    if (--left === 0) {
      const pid = Number.parseInt(other.slice(lockPrefix.length), 10)
      throw new DataDirectoryError(folder, `process ${pid} has it open, says its file ${other}`)
    }
    // Two that saw each other give way to each other: whoever comes back first gets it.
    await new Promise<void>((resolve) => runtime.setTimer(runtime.random() * longestPause, resolve))
  }
}

async function makeLock({ files }: Runtime, folder: string, path: string): Promise<void> {
  try {
    const file = await files.open(path, { create: true, exclusive: true })
    await file.close()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    // As between threads, which share a process and nothing else.
    throw new DataDirectoryError(folder, `this process has it open, says ${path}`, { cause: error })
  }
}

async function findOther(
  { files, processes = nodeProcesses }: Runtime,
  folder: string,
  own: string,
): Promise<string | null> {
  for (const name of await files.list(folder)) {
    if (!name.startsWith(lockPrefix) || name === own) continue
    if (await processes.isRunning(name.slice(lockPrefix.length))) return name
    await files.remove(join(folder, name))
  }
  return null
}
