import { mkdtemp, rm } from 'node:fs/promises'
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

describe('a directory that is made', () => {
  it('has its name on disk, and so have its parents that were made', async () => {
    const sync = vi.spyOn(nodeFiles, 'syncDirectory')
    const names = (): string[] => sync.mock.calls.map(([path]) => path).toSorted()
    await nodeFiles.makeDirectory(join(folder, 'a', 'b', 'c'))
    expect(names()).toEqual([folder, join(folder, 'a'), join(folder, 'a', 'b')])
    sync.mockClear()
    await nodeFiles.makeDirectory(join(folder, 'a', 'b', 'd'))
    expect(names()).toEqual([join(folder, 'a', 'b')])
    expect((await nodeFiles.list(join(folder, 'a', 'b'))).toSorted()).toEqual(['c', 'd'])
  })

  it('costs nothing where it is there already', async () => {
    const sync = vi.spyOn(nodeFiles, 'syncDirectory')
    await nodeFiles.makeDirectory(folder)
    expect(sync).not.toHaveBeenCalled()
  })
})
