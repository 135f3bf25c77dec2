import { describe, expect, it } from 'vitest'

import { simulate } from '../../../support/simulate.ts'

describe('simulated files', () => {
  it('are written, read, listed, renamed and removed', () =>
    simulate(async (sim) => {
      const { files } = sim.runtime('a')
      await expect(files.writeFile('/data/x', '')).rejects.toMatchObject({ code: 'ENOENT' })
      await files.makeDirectory('/data/sub')
      await files.writeFile('/data/x', 'text')
      await files.writeFile('/data/sub/y', Buffer.from('more'))
      expect((await files.readFile('/data/x')).toString()).toBe('text')
      expect((await files.list('/data')).toSorted()).toEqual(['sub', 'x'])
      expect(await files.list('/nowhere')).toEqual([])
      await files.rename('/data', '/moved')
      expect(await files.exists('/data/x')).toBe(false)
      expect((await files.readFile('/moved/sub/y')).toString()).toBe('more')
      await files.remove('/moved')
      expect(sim.disk('a').list()).toEqual([])
      await expect(files.readFile('/moved/x')).rejects.toMatchObject({ code: 'ENOENT' })
      const folder = await files.makeTemporaryDirectory('test-')
      expect(folder).toMatch(/^\/tmp\/test-/)
      expect(await files.exists(folder)).toBe(true)
    }))

  it('are appended to and truncated', () =>
    simulate(async (sim) => {
      const { files } = sim.runtime('a')
      const file = await files.append('/tmp/log')
      await file.write(Buffer.from('hello world'))
      await file.truncate(5)
      await file.write(Buffer.from('!'))
      await file.close()
      expect((await files.readFile('/tmp/log')).toString()).toBe('hello!')
    }))

  it('are read and written anywhere', () =>
    simulate(async (sim) => {
      const { files } = sim.runtime('a')
      await expect(files.open('/tmp/x')).rejects.toMatchObject({ code: 'ENOENT' })
      const file = await files.open('/tmp/x', { create: true })
      await file.write(4, Buffer.from('later'))
      await file.write(0, Buffer.from('soon'))
      expect((await file.read(2, 100)).toString()).toBe('onlater')
      expect(await file.size()).toBe(9)
      await file.truncate(12)
      expect((await file.read(8, 9)).toString()).toBe('r\0\0\0')
      await file.close()
      await files.syncDirectory('/tmp')
      await (await files.open('/tmp/x', { create: true })).close()
      expect((await files.readFile('/tmp/x')).length).toBe(0)
    }))

  it('keep what was synced when power is lost in the middle of an overwrite', async () => {
    const found = new Set<string>()
    await simulate(
      async (sim) => {
        const file = await sim.runtime('a').files.open('/tmp/x', { create: true })
        await file.truncate(8)
        await file.write(0, Buffer.from('ab'))
        await file.sync()
        await sim.runtime('a').files.syncDirectory('/tmp')
        await file.write(2, Buffer.from('cd'))
        sim.powerOff('a')
        const text = (await sim.runtime('a').files.readFile('/tmp/x')).toString()
        expect(text).toMatch(/^ab(\0\0|c\0|cd)\0\0\0\0$/)
        found.add(text)
      },
      { seeds: 20, together: () => expect(found.size).toBeGreaterThan(1) },
    )
  })

  it('survive a kill, and a loss of power as far as they were synced', async () => {
    const lengths = new Set<number>()
    await simulate(
      async (sim) => {
        const file = await sim.runtime('a').files.append('/tmp/log')
        await file.write(Buffer.from('synced '))
        await file.sync()
        await sim.runtime('a').files.syncDirectory('/tmp')
        await file.write(Buffer.from('not synced'))
        sim.kill('a')
        expect((await sim.runtime('a').files.readFile('/tmp/log')).toString()).toBe('synced not synced')
        sim.powerOff('a')
        const text = (await sim.runtime('a').files.readFile('/tmp/log')).toString()
        expect('synced not synced'.startsWith(text)).toBe(true)
        expect(text.startsWith('synced ')).toBe(true)
        lengths.add(text.length)
      },
      { seeds: 20, together: () => expect(lengths.size).toBeGreaterThan(2) },
    )
  })

  it('may lose any write that was not synced, and keep a later one', async () => {
    const found = new Set<string>()
    await simulate(
      async (sim) => {
        const { files } = sim.runtime('a')
        const file = await files.open('/tmp/x', { create: true })
        await file.truncate(4)
        await file.sync()
        await files.syncDirectory('/tmp')
        await file.write(0, Buffer.from('ab'))
        await file.write(1, Buffer.from('cde'))
        sim.powerOff('a')
        const text = (await sim.runtime('a').files.readFile('/tmp/x')).toString()
        expect(text).toMatch(/^[\0a][\0bc][\0d][\0e]$/)
        found.add(text)
      },
      {
        seeds: 60,
        // Neither, one, the other, both.
        together: () => expect([...found]).toEqual(expect.arrayContaining(['\0\0\0\0', 'ab\0\0', '\0cde', 'acde'])),
      },
    )
  })

  it('have their names from their directory: what was made, renamed or removed since it was synced may be undone', async () => {
    const found = new Set<string>()
    await simulate(
      async (sim) => {
        const { files } = sim.runtime('a')
        const make = async (path: string): Promise<void> => {
          const file = await files.open(path, { create: true })
          await file.write(0, Buffer.from(path))
          await file.sync()
        }
        for (const path of ['/tmp/old', '/tmp/gone', '/tmp/place']) await make(path)
        await files.syncDirectory('/tmp')
        await files.rename('/tmp/old', '/tmp/place')
        await files.remove('/tmp/gone')
        await make('/tmp/new')
        sim.powerOff('a')
        const again = sim.runtime('a').files
        const names = (await again.list('/tmp')).toSorted()
        found.add(names.join(' '))
        // A rename happens or does not, and takes nothing from the file whose place it gives away.
        const place = names.includes('old') ? '/tmp/place' : '/tmp/old'
        expect((await again.readFile('/tmp/place')).toString()).toBe(place)
      },
      {
        seeds: 40,
        // In the order in which they were changed.
        together: () => expect([...found].toSorted()).toEqual(['gone old place', 'gone place', 'new place', 'place']),
      },
    )
  })

  it('have names on disk once their own directory was synced, and not before it was', async () => {
    const found = new Set<string>()
    await simulate(
      async (sim) => {
        const { files } = sim.runtime('a')
        const make = async (path: string): Promise<void> => (await files.open(path, { create: true })).close()
        for (const directory of ['/one', '/two']) {
          await files.makeDirectory(directory)
          await make(`${directory}/kept`)
        }
        const synced = files.syncDirectory('/two')
        // It begins with the call: what is made meanwhile is too late.
        await make('/two/late')
        await synced
        await files.syncDirectory('/one')
        sim.powerOff('a')
        const names = sim.disk('a').list()
        found.add(names.join(' '))
        // What has outlived one loss of power outlives the next.
        sim.powerOff('a')
        expect(sim.disk('a').list()).toEqual(names)
      },
      {
        seeds: 20,
        together: () => expect([...found].toSorted()).toEqual(['/one/kept /two/kept', '/one/kept /two/kept /two/late']),
      },
    )
  })

  it('do not fit on a full disk', () =>
    simulate(async (sim) => {
      sim.disk('a').capacity = 10
      const file = await sim.runtime('a').files.append('/tmp/log')
      await file.write(Buffer.alloc(8))
      await expect(file.write(Buffer.alloc(8))).rejects.toMatchObject({ code: 'ENOSPC' })
    }))
})
