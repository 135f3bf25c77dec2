import { describe, expect, it } from 'vitest'

import { BadVersionError, ConnectionLossError, type KazooClient, NoNodeError } from '../../src/index.ts'
import type { FaultProxy } from '../../src/testing/index.ts'
import { failure, States, suspend, watch } from './support/events.ts'
import { onEachServerAndChroot } from './support/ground.ts'

/** What the next request meets: it is lost before the server has it, or it is applied and its reply is lost. */
const losses = [
  ['the request is lost', (proxy: FaultProxy) => proxy.toServer.cutAfter(0)],
  ['the reply is lost', (proxy: FaultProxy) => proxy.toClient.cutAfter(0)],
] as const

onEachServerAndChroot((ground) => {
  describe.each(losses)('when %s', (_name, lose) => {
    it('an idempotent delete deletes', async () => {
      const { zk, proxy } = await ground.connectThroughProxy()
      for (const options of [{}, { version: 0 }, { recursive: true }]) {
        await zk.create(ground.at('/node'))
        lose(proxy)
        expect(await zk.delete(ground.at('/node'), { ...options, idempotent: true })).toBeUndefined()
        expect(await ground.admin.exists(ground.full('/node'))).toBeNull()
      }
    })

    it('an idempotent set sets once', async () => {
      const { zk, proxy } = await ground.connectThroughProxy()
      await zk.create(ground.at('/node'), 'old')
      for (const [version, data] of ['new', '', null, 'newer'].entries()) {
        lose(proxy)
        const stat = await zk.set(ground.at('/node'), data, { version, idempotent: true })
        expect(stat.version).toBe(version + 1)
        expect(stat).toEqual(await zk.exists(ground.at('/node')))
        expect((await zk.get(ground.at('/node'))).data.toString()).toBe(data ?? '')
      }
    })

    it.each([false, true])(
      'a guaranteed delete rejects, and deletes all the same; recursive: %s',
      async (recursive) => {
        const { zk, proxy } = await ground.connectThroughProxy()
        await zk.create(ground.at('/node'))
        const gone = watch()
        await ground.admin.exists(ground.full('/node'), { watch: gone })
        lose(proxy)
        const error = await failure(zk.delete(ground.at('/node'), { guaranteed: true, recursive }))
        expect(error).toBeInstanceOf(ConnectionLossError)
        expect((await gone.first).type).toBe('DELETED')
      },
    )

    const modes = {
      persistent: {},
      ephemeral: { ephemeral: true },
      sequential: { sequence: true },
      'ephemeral and sequential': { ephemeral: true, sequence: true },
      container: { container: true },
      'with a time to live': { ttl: 3_600_000 },
      'sequential with a time to live': { ttl: 3_600_000, sequence: true },
    }
    it.each(Object.entries(modes))('a protected create creates once: %s', async (_mode, mode) => {
      const { zk, proxy } = await ground.connectThroughProxy()
      const owner = 'ephemeral' in mode ? zk.session?.id : 0n
      for (const [includeStat, makePath] of [
        [false, false],
        [true, false],
        [false, true],
      ]) {
        const parent = `/parent-${String(includeStat)}-${String(makePath)}`
        if (makePath !== true) await ground.admin.create(ground.full(parent))
        const options = { ...mode, protect: true, makePath: makePath === true }
        lose(proxy)
        // With makePath it is the answer that there is no parent which is lost.
        const created =
          includeStat === true
            ? await zk.create(ground.at(`${parent}/node`), 'mine', { ...options, includeStat: true })
            : { path: await zk.create(ground.at(`${parent}/node`), 'mine', options), stat: null }
        const [name, ...others] = await ground.admin.getChildren(ground.full(parent))
        expect(others).toEqual([])
        expect(created.path).toBe(ground.at(`${parent}/${name}`))
        expect(name).toMatch('sequence' in mode ? /^_c_[\da-f-]{36}-node\d{10}$/ : /^_c_[\da-f-]{36}-node$/)
        const { data, stat } = await zk.get(created.path)
        expect(data.toString()).toBe('mine')
        expect(stat.ephemeralOwner).toBe(owner)
        if (created.stat !== null) expect(created.stat).toEqual(stat)
      }
    })
  })

  /** Sends a request, and loses the connection, with it or with the reply to it, until `meanwhile` is done. */
  async function withLost<T>(
    lost: 'request' | 'reply',
    { zk, proxy }: { readonly zk: KazooClient; readonly proxy: FaultProxy },
    send: () => Promise<T>,
    meanwhile: () => Promise<unknown>,
  ): Promise<PromiseSettledResult<T>> {
    const direction = lost === 'request' ? proxy.toServer : proxy.toClient
    direction.pause()
    const held = proxy.once('held')
    const [sent] = [Promise.allSettled([send()])]
    await held
    await suspend(zk, proxy)
    direction.resume()
    await meanwhile()
    await proxy.setMode('forward')
    return (await sent)[0]
  }

  /** What is lost, what another client sets meanwhile, and the version that this comes to. */
  const taken = [
    ['it never arrived, and another client has made the same version of other data', 'request', 'theirs', 1],
    ['another client has set the same data after it', 'reply', 'mine', 2],
    ['another client has set other data after it', 'reply', 'theirs', 2],
  ] as const
  it.each(taken)(
    'an idempotent set rejects, and says that it may be applied, when %s',
    async (_name, lost, data, version) => {
      const { zk, proxy } = await ground.connectThroughProxy()
      await zk.create(ground.at('/node'))
      const outcome = await withLost(
        lost,
        { zk, proxy },
        () => zk.set(ground.at('/node'), 'mine', { version: 0, idempotent: true }),
        () => ground.admin.set(ground.full('/node'), data),
      )
      expect(outcome).toMatchObject({ status: 'rejected', reason: { op: 'set', maybeApplied: true } })
      expect((outcome as PromiseRejectedResult).reason).toBeInstanceOf(BadVersionError)
      expect(await zk.get(ground.at('/node'))).toMatchObject({ data: Buffer.from(data), stat: { version } })
    },
  )

  it('an idempotent delete with a version spares what others have made of it meanwhile', async () => {
    const { zk, proxy } = await ground.connectThroughProxy()
    await zk.create(ground.at('/node'))
    const outcome = await withLost(
      'reply',
      { zk, proxy },
      () => zk.delete(ground.at('/node'), { version: 0, idempotent: true }),
      async () => {
        await ground.admin.create(ground.full('/node'))
        await ground.admin.set(ground.full('/node'), 'theirs')
      },
    )
    expect(outcome).toMatchObject({ status: 'rejected', reason: { op: 'delete', maybeApplied: true } })
    expect((await zk.get(ground.at('/node'))).data.toString()).toBe('theirs')
  })

  it('nothing lost, an idempotent one says what there is to say', async () => {
    const zk = await ground.connect()
    const path = ground.at('/missing')
    for (const [op, error] of [
      ['delete', await failure(zk.delete(path, { idempotent: true }))],
      ['delete', await failure(zk.delete(path, { guaranteed: true }))],
      ['set', await failure(zk.set(path, 'x', { idempotent: true }))],
    ] as const) {
      expect(error).toBeInstanceOf(NoNodeError)
      expect(error).toMatchObject({ op, path, maybeApplied: false })
    }
    await zk.create(ground.at('/node'))
    expect(await failure(zk.set(ground.at('/node'), '', { version: 7, idempotent: true }))).toMatchObject({
      code: 'BAD_VERSION',
      maybeApplied: false,
    })
    expect(await failure(zk.delete(ground.at('/node'), { version: 7, guaranteed: true }))).toMatchObject({
      code: 'BAD_VERSION',
      maybeApplied: false,
    })
    expect(await zk.exists(ground.at('/node'))).not.toBeNull()
  })

  it('a guaranteed delete does not keep the client from stopping, and ends with it', async () => {
    const { zk, proxy } = await ground.connectThroughProxy()
    await zk.create(ground.at('/node'))
    proxy.toServer.pause()
    const deleting = failure(zk.delete(ground.at('/node'), { guaranteed: true }))
    await suspend(zk, proxy)
    expect(await deleting).toBeInstanceOf(ConnectionLossError)
    await zk.stop()
    proxy.toServer.resume()
    await proxy.setMode('forward')
    await zk.start()
    expect(await zk.exists(ground.at('/node'))).not.toBeNull()
  })

  it('a guaranteed delete goes on after its time is up, and in another session', async () => {
    const { zk, proxy } = await ground.connectThroughProxy({ sessionTimeout: 1_000 })
    await zk.create(ground.at('/node'))
    const gone = watch()
    await ground.admin.exists(ground.full('/node'), { watch: gone })
    const states = new States(zk)
    const { session } = zk
    await suspend(zk, proxy)
    const error = await failure(zk.delete(ground.at('/node'), { guaranteed: true, timeout: 1 }))
    expect(error).toMatchObject({ code: 'OPERATION_TIMEOUT', maybeApplied: false })
    await states.next('LOST')
    await proxy.setMode('forward')
    expect((await gone.first).type).toBe('DELETED')
    expect(zk.session?.id).not.toBe(session?.id)
  })
})
