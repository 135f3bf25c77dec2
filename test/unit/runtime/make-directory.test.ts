import { mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { nodeFiles } from '../../../src/runtime/node-files.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kazoo-files-'))
})
afterEach(async () => {
  vi.restoreAllMocks()
  await rm(folder, { recursive: true, force: true })
})

describe('makeDirectory', () => {
  it('makes the parents, too, whoever else makes them', async () => {
    const path = join(folder, 'a/b/c')
    await Promise.all([nodeFiles.makeDirectory(path), nodeFiles.makeDirectory(`${path}/d`)])
    await nodeFiles.makeDirectory(path)
    await nodeFiles.makeDirectory('/')
    expect((await stat(`${path}/d`)).isDirectory()).toBe(true)
  })

  it('has the names of all that it made on disk, or all below could be lost with them', async () => {
    const sync = vi.spyOn(nodeFiles, 'syncDirectory')
    await nodeFiles.makeDirectory(join(folder, 'a/b/c'))
    expect(sync.mock.calls.flat()).toEqual([folder, join(folder, 'a'), join(folder, 'a/b')])
  })

  it('fails where a file is in the way, or a link to nothing', async () => {
    await writeFile(join(folder, 'file'), '')
    await symlink(join(folder, 'nothing'), join(folder, 'link'))
    await expect(nodeFiles.makeDirectory(join(folder, 'file'))).rejects.toMatchObject({ code: 'EEXIST' })
    await expect(nodeFiles.makeDirectory(join(folder, 'file/below'))).rejects.toMatchObject({ code: 'ENOTDIR' })
    await expect(nodeFiles.makeDirectory(join(folder, 'link'))).rejects.toMatchObject({ code: 'EEXIST' })
  })

  it.skipIf(process.platform !== 'linux')(
    'fails where no directory can be made, rather than trying for ever',
    async () => {
      await expect(nodeFiles.makeDirectory('/proc/nope/version-2')).rejects.toMatchObject({ code: 'ENOENT' })
    },
  )
})
