import { describe, expect, it } from 'vitest'

import { FaultProxy, type Simulation } from '../../../../src/testing/index.ts'
import { RawPeer, RawServer } from '../../../support/raw-peer.ts'
import { simulate } from '../../../support/simulate.ts'

/** Listens on `server`, dials from `client`. */
async function connect(sim: Simulation): Promise<{ client: RawPeer; peer: RawPeer; server: RawServer }> {
  const server = await new RawServer().listen(sim.runtime('server'), { host: '0.0.0.0', port: 2181 })
  const accepted = server.next()
  const client = dial(sim)
  await client.opened
  return { client, peer: await accepted, server }
}

function dial(sim: Simulation, port = 2181): RawPeer {
  return RawPeer.dial(sim.runtime('client'), sim.address('server'), port)
}

describe('a simulated connection', () => {
  it('carries a game of ping-pong, and ends', () =>
    simulate(async (sim) => {
      const { client, peer } = await connect(sim)
      expect(client.socket.remotePort).toBe(2181)
      expect(peer.socket.remotePort).toBe(client.socket.localPort)
      for (let i = 1; i <= 5; i++) {
        client.write('ping')
        await peer.received(4 * i)
        peer.write('pong')
        await client.received(4 * i)
      }
      expect(peer.text).toBe('ping'.repeat(5))
      const before = sim.now
      client.socket.end()
      await peer.ended
      expect(sim.now).toBeGreaterThan(before)
      expect(await client.closed).toBeNull()
      expect(await peer.closed).toBeNull()
      expect(sim.network.connections('client')).toBe(0)
    }))

  it('keeps the order of bytes, however they are cut', () =>
    simulate(
      async (sim) => {
        const { client, peer } = await connect(sim)
        let sent = ''
        for (let i = 0; i < 200; i++) {
          const text = `${i},`
          sent += text
          client.write(text)
          if (sim.random.chance(0.1)) await sim.sleep(1)
        }
        client.socket.end()
        await peer.ended
        expect(peer.text).toBe(sent)
        expect(peer.chunks.length).toBeGreaterThan(1)
      },
      { fragmentation: 0.7 },
    ))

  it('sends what was written before it was open', () =>
    simulate(async (sim) => {
      const server = await new RawServer().listen(sim.runtime('server'), { host: sim.address('server'), port: 2181 })
      const accepted = server.next()
      const client = dial(sim)
      client.write('early')
      client.socket.end()
      const peer = await accepted
      await peer.ended
      expect(peer.text).toBe('early')
    }))

  it('tells a writer to wait, and when to go on', () =>
    simulate(async (sim) => {
      const { client, peer } = await connect(sim)
      peer.socket.pause()
      expect(client.write('x')).toBe(true)
      expect(client.socket.write(Buffer.alloc(300_000))).toBe(false)
      expect(client.socket.pendingBytes).toBeGreaterThan(0)
      peer.socket.resume()
      await client.drained
      expect(client.socket.pendingBytes).toBe(0)
      await peer.received(300_001)
    }))

  it('is reset by a peer that closes with unread input', () =>
    simulate(async (sim) => {
      const { client, peer } = await connect(sim)
      peer.socket.pause()
      client.write('unread')
      await sim.sleep(100)
      peer.socket.destroy()
      expect(await client.closed).toMatchObject({ code: 'ECONNRESET' })
    }))

  it('is refused where nobody listens, and by a listener that has closed', () =>
    simulate(async (sim) => {
      const { server } = await connect(sim)
      expect(await dial(sim, 2182).closed).toMatchObject({ code: 'ECONNREFUSED' })
      await server.close()
      expect(await dial(sim).closed).toMatchObject({ code: 'ECONNREFUSED' })
    }))

  it('reaches a loopback listener from its own host alone', () =>
    simulate(async (sim) => {
      const server = await new RawServer().listen(sim.runtime('server'))
      expect(await dial(sim, server.port).closed).toMatchObject({ code: 'ECONNREFUSED' })
      const own = RawPeer.dial(sim.runtime('server'), '127.0.0.1', server.port)
      await own.opened
    }))

  it('cannot listen twice, or at the address of another host', () =>
    simulate(async (sim) => {
      await connect(sim)
      const again = new RawServer().listen(sim.runtime('server'), { port: 2181 })
      await expect(again).rejects.toMatchObject({ code: 'EADDRINUSE' })
      const elsewhere = new RawServer().listen(sim.runtime('server'), { host: sim.address('client') })
      await expect(elsewhere).rejects.toMatchObject({ code: 'EADDRNOTAVAIL' })
    }))

  it('goes through a fault proxy', () =>
    simulate(async (sim) => {
      const server = await new RawServer().listen(sim.runtime('server'), { host: '0.0.0.0', port: 2181 })
      const proxy = await new FaultProxy({
        target: { host: sim.address('server'), port: 2181 },
        host: sim.address('proxy'),
        port: 1,
        runtime: sim.runtime('proxy'),
      }).start()
      const accepted = server.next()
      const client = RawPeer.dial(sim.runtime('client'), proxy.host, proxy.port)
      client.write('hello')
      const peer = await accepted
      await peer.received(5)
      proxy.toClient.cutAfter(3)
      peer.write('0123456789')
      await client.closed
      expect(client.text).toBe('012')
    }))
})

describe('a simulated fault', () => {
  it('partitions hosts without telling them, and what was sent arrives when it heals', () =>
    simulate(async (sim) => {
      const { client, peer } = await connect(sim)
      sim.network.partition(['client'], ['server', 'other'])
      client.write('hello')
      const second = dial(sim)
      await sim.sleep(60_000)
      expect(peer.text).toBe('')
      expect(client.socket.localPort).toBeDefined()
      expect(second.socket.localPort).toBeUndefined()
      sim.network.heal()
      await peer.received(5)
      await second.opened
    }))

  it('blocks one way alone', () =>
    simulate(async (sim) => {
      const { client, peer } = await connect(sim)
      sim.network.block('server', 'client')
      client.write('ask')
      await peer.received(3)
      peer.write('answer')
      await sim.sleep(1_000)
      expect(client.text).toBe('')
      sim.network.heal('client', 'server')
      await client.received(6)
    }))

  it('cuts connections: both sides hear of it', () =>
    simulate(async (sim) => {
      const { client, peer } = await connect(sim)
      expect(sim.network.cut('server', 'other')).toBe(0)
      expect(sim.network.cut('server')).toBe(1)
      expect(await client.closed).toMatchObject({ code: 'ECONNRESET' })
      expect(await peer.closed).toMatchObject({ code: 'ECONNRESET' })
    }))

  it('leaves connections half-open, while new ones work', () =>
    simulate(async (sim) => {
      const { client, peer } = await connect(sim)
      expect(sim.network.sever('client', 'server')).toBe(1)
      client.write('into the void')
      await dial(sim).opened
      await sim.sleep(60_000)
      expect(peer.text).toBe('')
      expect(client.socket.remotePort).toBe(2181)
    }))

  it('black-holes an address: the system gives up after two minutes', () =>
    simulate(async (sim) => {
      await connect(sim)
      sim.network.blackHole(sim.address('server'))
      const started = sim.now
      expect(await dial(sim).closed).toMatchObject({ code: 'ETIMEDOUT' })
      expect(sim.now - started).toBeGreaterThanOrEqual(127_000)
    }))

  it('pauses a process: time goes on, and its sockets take in what comes', () => {
    const firsts = new Set<string>()
    return simulate(
      async (sim) => {
        const { client, peer } = await connect(sim)
        const runtime = sim.runtime('server')
        const order: string[] = []
        peer.handler.received = (chunk) => void order.push(chunk.toString())
        runtime.setTimer(50, () => order.push(`timer at ${runtime.now() >= 1_000}`))
        sim.pause('server')
        client.write('one,')
        await sim.sleep(10)
        client.write('two')
        const waiting = dial(sim)
        await waiting.opened // by the system, not by the process
        await sim.sleep(1_000)
        expect(order).toEqual([])
        sim.resume('server')
        await sim.until(() => order.length === 2)
        expect(order.toSorted()).toEqual(['one,two', 'timer at true'])
        firsts.add(order[0] ?? '')
      },
      {
        seeds: 20,
        fragmentation: 0,
        // Either may come first, as on a real machine.
        together: () => expect(firsts.size).toBe(2),
      },
    )
  })

  it('kills a process: its peers are told, and a new one can take its place', () =>
    simulate(async (sim) => {
      const { client, peer } = await connect(sim)
      const old = sim.runtime('server')
      const fired: string[] = []
      old.setTimer(10, () => fired.push('old'))
      sim.kill('server')
      expect(await client.closed).toBeNull()
      expect(await dial(sim).closed).toMatchObject({ code: 'ECONNREFUSED' })
      expect(sim.runtime('server')).not.toBe(old)
      const { client: next } = await connect(sim)
      expect(next.socket.remotePort).toBe(2181)
      await sim.sleep(100)
      expect(fired).toEqual([])
      expect(peer.text).toBe('')
    }))

  it('switches a host off: nobody is told, until it runs again', () =>
    simulate(async (sim) => {
      const { client } = await connect(sim)
      sim.powerOff('server')
      client.write('anybody?')
      await sim.sleep(60_000)
      expect(client.socket.remotePort).toBe(2181)
      sim.runtime('server')
      client.write('and now?')
      expect(await client.closed).toMatchObject({ code: 'ECONNRESET' })
    }))
})

describe('simulated names', () => {
  it('are those of the hosts, and what was set', () =>
    simulate(async (sim) => {
      const runtime = sim.runtime('a')
      expect(await runtime.resolve('a')).toEqual([{ address: sim.address('a'), family: 4 }])
      expect(await runtime.resolve('192.0.2.7')).toEqual([{ address: '192.0.2.7', family: 4 }])
      expect(await runtime.resolve('2001:db8::1')).toEqual([{ address: '2001:db8::1', family: 6 }])
      await expect(runtime.resolve('zk')).rejects.toMatchObject({ code: 'ENOTFOUND' })
      sim.names.set('zk', ['a', '2001:db8::1'])
      expect(await runtime.resolve('zk')).toHaveLength(2)
      let asked = 0
      sim.names.set('zk', () => (asked++ === 0 ? new Error('server failure') : ['192.0.2.8']))
      await expect(runtime.resolve('zk')).rejects.toThrow('server failure')
      expect(await runtime.resolve('zk')).toEqual([{ address: '192.0.2.8', family: 4 }])
    }))
})
