import { expect, it } from 'vitest'

import { KazooClient } from '../../../src/index.ts'
import { EmbeddedServer } from '../../../src/server/index.ts'
import { deleted } from '../../support/deleted.ts'
import { simulate } from '../../support/simulate.ts'

const options = { host: '0.0.0.0', port: 2181, tickTime: 1_000 } as const
const client = { hosts: 'server:2181', sessionTimeout: 6_000 }

it('no session expires while there is no quorum, and each has its whole time again afterwards', () =>
  simulate(async (sim) => {
    const server = await new EmbeddedServer({ ...options, runtime: sim.runtime('server') }).start()
    const zk = await new KazooClient({ ...client, runtime: sim.runtime('client') }).start()
    const gone = await new KazooClient({ ...client, runtime: sim.runtime('gone') }).start()
    await zk.create('/mine', '', { ephemeral: true })
    await gone.create('/gone', '', { ephemeral: true })
    const { id } = zk.session!
    sim.kill('gone')
    server.faults.setReadOnly(true)
    expect(server.expireSession(id)).toBe(false)
    await sim.sleep(60_000)
    server.faults.setReadOnly(false)
    const back = sim.now
    expect(server.expireSession(id)).toBe(true)
    await zk.retry(() => zk.exists('/'))
    expect(await zk.exists('/mine')).toBeNull()
    // The session that nobody keeps alive is there as long as if it had just begun, and no longer.
    await deleted(zk, '/gone')
    expect(sim.now - back).toBeGreaterThan(5_900)
    expect(sim.now - back).toBeLessThan(7_200)
    await server.stop()
    await zk.stop()
  }))

it('what was made meanwhile expires meanwhile', () =>
  simulate(async (sim) => {
    const server = await new EmbeddedServer({ ...options, readOnly: true, runtime: sim.runtime('server') }).start()
    const reader = { ...client, readOnly: true }
    const one = await new KazooClient({ ...reader, runtime: sim.runtime('one') }).start()
    const two = await new KazooClient({ ...reader, runtime: sim.runtime('two') }).start()
    const ids = [one.session!.id, two.session!.id] as const
    sim.kill('one')
    await sim.sleep(10_000)
    expect(server.expireSession(ids[0])).toBe(false)
    expect(server.expireSession(ids[1])).toBe(true)
    await two.stop()
    await server.stop()
  }))

it('the sessions in a data directory outlast the time in which the server only reads, and end afterwards', () =>
  simulate(async (sim) => {
    const kept = { ...options, dataDir: '/data', runtime: sim.runtime('server') }
    const first = await new EmbeddedServer(kept).start()
    const gone = await new KazooClient({ ...client, runtime: sim.runtime('gone') }).start()
    await gone.create('/gone', '', { ephemeral: true })
    sim.kill('gone')
    await first.stop()

    const server = await new EmbeddedServer({ ...kept, readOnly: true }).start()
    await sim.sleep(60_000)
    server.faults.setReadOnly(false)
    const zk = await new KazooClient({ ...client, runtime: sim.runtime('client') }).start()
    await deleted(zk, '/gone')
    await zk.stop()
    await server.stop()
  }))
