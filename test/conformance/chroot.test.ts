import { expect, it } from 'vitest'

import { NoNodeError } from '../../src/index.ts'
import { failure } from './support/events.ts'
import { onEachServer } from './support/ground.ts'

onEachServer((ground) => {
  /** A client under a chroot that is not there yet. */
  const connect = (path = '/app') => ground.connect({ hosts: `${ground.hosts}${ground.full(path)}` })

  it('a client connects under a chroot that is missing; ensurePath makes it', async () => {
    const zk = await connect('/deep/app')
    expect(zk.chroot).toBe(ground.full('/deep/app'))
    expect(await zk.exists('/')).toBeNull()
    const error = await failure(zk.create('/node'))
    expect(error).toBeInstanceOf(NoNodeError)
    expect(error).toMatchObject({ path: '/node' })
    expect(await zk.ensurePath('/')).toBe('/')
    expect(await zk.create('/node')).toBe('/node')
    expect(await ground.admin.getChildren(ground.full('/deep/app'))).toEqual(['node'])
  })

  it.each(['ensurePath', 'makePath'])('%s makes it on the way', async (how) => {
    const zk = await connect('/deep/app')
    if (how === 'ensurePath') await zk.ensurePath('/a/b')
    else await zk.create('/a/b', '', { makePath: true })
    expect(await ground.admin.getChildren(ground.full('/deep/app/a'))).toEqual(['b'])
  })

  it("its root is the chroot's znode, which may even be deleted", async () => {
    await ground.admin.create(ground.full('/app'), 'data')
    const zk = await connect()
    expect((await zk.get('/')).data.toString()).toBe('data')
    await zk.set('/', 'new')
    expect((await ground.admin.get(ground.full('/app'))).data.toString()).toBe('new')
    await zk.create('/node')
    expect(await zk.getChildren('/')).toEqual(['node'])
    await zk.delete('/', { recursive: true })
    expect(await ground.admin.exists(ground.full('/app'))).toBeNull()
  })

  it('a sequence at its root stays inside', async () => {
    await ground.admin.create(ground.full('/app'))
    const zk = await connect()
    expect(await zk.create('/', '', { sequence: true })).toBe('/0000000000')
    expect(await zk.create('/', '', { sequence: true, makePath: true })).toBe('/0000000001')
    expect(await zk.transaction().create('/', '', { sequence: true }).commit()).toEqual(['/0000000002'])
    expect(await ground.admin.getChildren(ground.full('/'))).toEqual(['app'])
    expect(await zk.getChildren('/')).toHaveLength(3)
  })

  it("a path that begins like the chroot is the caller's own", async () => {
    await ground.admin.create(ground.full('/app'))
    const zk = await connect()
    const inner = ground.full('/app')
    expect(await zk.create(inner, '', { makePath: true })).toBe(inner)
    expect(await ground.admin.exists(ground.full('/app') + inner)).not.toBeNull()
  })
})
