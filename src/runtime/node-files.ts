import { access, mkdir, mkdtemp, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

import type { AppendFile, Files, OpenFile } from './runtime.ts'

/** Node refuses to read or write 2 GiB or more at once. */
const most = 1024 * 1024 * 1024

/** Node's file system behind the {@link Files} interface. */
export const nodeFiles: Files = {
  readFile: (path) => readFile(path),
  writeFile: (path, data) => writeFile(path, data),
  makeDirectory: async (path) => {
    // Node's own recursion never ends where none can be made, as in /proc.
    const parent = dirname(path)
    if (parent !== path && !(await nodeFiles.exists(parent))) await nodeFiles.makeDirectory(parent)
    try {
      await mkdir(path)
    } catch (error) {
      if ((await stat(path).catch(() => null))?.isDirectory() !== true) throw error
      return
    }
    // A name is on disk once the directory that holds it is.
    await nodeFiles.syncDirectory(parent)
  },
  makeTemporaryDirectory: (prefix) => mkdtemp(join(tmpdir(), prefix)),
  list: async (path) => {
    try {
      return await readdir(path)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw error
    }
  },
  exists: (path) =>
    access(path).then(
      () => true,
      () => false,
    ),
  rename: (from, to) => rename(from, to),
  remove: (path) => rm(path, { recursive: true, force: true }),
  append: async (path): Promise<AppendFile> => {
    const file = await open(path, 'a')
    return {
      write: async (bytes) => {
        let rest = bytes
        while (rest.length > 0) {
          const { bytesWritten } = await file.write(rest)
          rest = rest.subarray(bytesWritten)
        }
      },
      sync: () => file.datasync(),
      truncate: (size) => file.truncate(size),
      close: () => file.close(),
    }
  },
  open: async (path, options = {}): Promise<OpenFile> => {
    const file = await open(path, options.create !== true ? 'r+' : options.exclusive === true ? 'wx+' : 'w+')
    return {
      size: async () => (await file.stat()).size,
      read: async (position, length) => {
        const bytes = Buffer.allocUnsafeSlow(length)
        let read = 0
        while (read < length) {
          const { bytesRead } = await file.read(bytes, read, Math.min(length - read, most), position + read)
          if (bytesRead === 0) break
          read += bytesRead
        }
        return bytes.subarray(0, read)
      },
      write: async (position, bytes) => {
        let written = 0
        while (written < bytes.length) {
          const { bytesWritten } = await file.write(
            bytes,
            written,
            Math.min(bytes.length - written, most),
            position + written,
          )
          written += bytesWritten
        }
      },
      sync: () => file.datasync(),
      truncate: (size) => file.truncate(size),
      close: () => file.close(),
    }
  },
  syncDirectory: async (path) => {
    // Windows opens no directories, and needs none of this.
    if (process.platform === 'win32') return
    const directory = await open(path, 'r')
    try {
      await directory.sync()
    } finally {
      await directory.close()
    }
  },
}
