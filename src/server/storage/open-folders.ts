import { resolve } from 'node:path'

import type { Files } from '../../runtime/runtime.ts'
import { DataDirectoryError } from './data-directory-error.ts'

/** The folders that servers of this process write into, by the file system they are on. */
const open = new WeakMap<Files, Set<string>>()

/**
 * Takes folders for one server alone; what it returns gives them back.
 *
 * @throws {@link DataDirectoryError} if another server of this process has one of them
 */
export function takeFolders(files: Files, folders: Iterable<string>): () => void {
  const taken = open.get(files) ?? new Set()
  open.set(files, taken)
  const paths = new Set(Array.from(folders, (folder) => resolve(folder)))
  for (const path of paths) {
    if (taken.has(path)) throw new DataDirectoryError(path, 'another server of this process has it open')
  }
  for (const path of paths) taken.add(path)
  return () => {
    for (const path of paths) taken.delete(path)
    paths.clear()
  }
}
