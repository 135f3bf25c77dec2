import { subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel'

import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { pino } from 'pino'
import { describe, expect, it, vi } from 'vitest'

import { makeDigestAcl, type KazooClientOptions } from '../../../src/index.ts'
import { channelNames } from '../../../src/common/channel-names.ts'
import { instrument } from '../../../src/opentelemetry/index.ts'
import { formsOf, shownIn } from '../../support/secret-forms.ts'
import { someStat } from '../../support/scripted-server.ts'
import { failure, timeout, world } from '../../support/world.ts'

const secrets = {
  'of the options': 'user:tr0ub4dor&3',
  'given later': 'other:c0rrect-h0rse',
  refused: 'third:b4ttery/st4ple',
  'of the session': Buffer.from('0123456789abcdef'),
  'of an ACL': 'fourth:zebra+cr0ssing',
  'stored in a znode': 'the launch code is 0000',
  'of the key for TLS': '-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEG',
  'of that key': 'bru5hed-c0pper',
}

class ReaderOfTest extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

/** Everything that leaves the client for somebody's eyes, in a life with all that may go wrong. */
async function everythingTold(): Promise<string> {
  const told: string[] = []
  const note = (message: unknown): void => void told.push(shownIn(message))
  const listeners = { start: note, end: note, asyncStart: note, asyncEnd: note, error: note }
  const traced = [tracingChannel(channelNames.request), tracingChannel(channelNames.connection)]
  const plain = [channelNames.lost, channelNames.session, channelNames.state]
  for (const channel of traced) channel.subscribe(listeners)
  for (const name of plain) subscribe(name, note)
  const exporter = new InMemorySpanExporter()
  const reader = new ReaderOfTest()
  using _instrumentation = instrument({
    tracerProvider: new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }),
    meterProvider: new MeterProvider({ readers: [reader] }),
  })
  const options: KazooClientOptions = {
    logger: pino({ level: 'trace' }, { write: (line: string) => void told.push(line) }),
    authData: [{ scheme: 'digest', credential: secrets['of the options'] }],
    tls: { key: secrets['of the key for TLS'], passphrase: secrets['of that key'] },
  }
  try {
    await world(async ({ client, server, sim }) => {
      // The simulated network has no TLS: its options go as far as that.
      const dial = client.runtime.dial.bind(client.runtime)
      vi.spyOn(client.runtime, 'dial').mockImplementation(({ tls, ...address }, handler) => {
        expect(tls).toEqual({ servername: 'server', ...(options.tls as object) })
        return dial(address, handler)
      })
      const starting = client.start()
      const connection = await server.next()
      await connection.accept({ timeout, password: secrets['of the session'] })
      connection.answer(await connection.expect('auth'), 'auth', undefined)
      await starting
      const adding = client.addAuth('digest', secrets['given later'])
      connection.answer(await connection.expect('auth'), 'auth', undefined)
      await adding
      const [user = '', password = ''] = secrets['of an ACL'].split(':')
      const creating = client.create('/a', secrets['stored in a znode'], {
        acl: [makeDigestAcl(user, password, { all: true })],
      })
      connection.answer(await connection.expect('create'), 'create', { path: '/a' })
      await creating
      const reading = client.get('/a', { watch: () => {} })
      const data = Buffer.from(secrets['stored in a znode'])
      connection.answer(await connection.expect('getData'), 'getData', { data, stat: someStat })
      await reading
      const refused = failure(client.addAuth('digest', secrets.refused))
      connection.fail(await connection.expect('auth'), -115)
      connection.socket.destroy()
      note(await refused)
      // On the way back the credentials are refused, then accepted; then the session has expired.
      const second = await server.next()
      await second.accept({ timeout, password: secrets['of the session'] })
      second.fail(await second.expect('auth'), -115)
      const third = await server.next()
      await third.refuse()
      const fourth = await server.next()
      await fourth.accept({ timeout, password: secrets['of the session'] })
      for (let i = 0; i < 2; i++) fourth.answer(await fourth.expect('auth'), 'auth', undefined)
      await sim.until(() => client.connected)
    }, options)
  } finally {
    for (const channel of traced) channel.unsubscribe(listeners)
    for (const name of plain) unsubscribe(name, note)
  }
  note(
    exporter.getFinishedSpans().map(({ name, attributes, events, status }) => ({ name, attributes, events, status })),
  )
  note(await reader.collect())
  await reader.shutdown()
  return told.join('\n')
}

describe('logs, channels, spans and metrics', () => {
  it('hold no secret, in no form', async () => {
    const text = await everythingTold()
    // All of them have said something.
    for (const sign of [
      'authentication failed',
      'ZooKeeper session expired',
      'zookeeper addAuth',
      'zookeeper.client.reconnects',
      'AUTH_FAILED',
      "event: 'resumed'",
    ]) {
      expect(text).toContain(sign)
    }
    for (const [name, secret] of Object.entries(secrets)) {
      const parts = [secret, ...(typeof secret === 'string' && secret.includes(':') ? [secret.split(':')[1]!] : [])]
      for (const form of parts.flatMap(formsOf))
        expect(text.includes(form), `the secret ${name} as ${form}`).toBe(false)
    }
  })

  it('would be found to hold one, were it there', () => {
    const secret = secrets['given later']
    const places = [secret, { a: Buffer.from(secret) }, [...Buffer.from(secret)], { a: { b: new Error(secret) } }]
    for (const place of places) {
      const text = shownIn(place)
      expect(formsOf(secret).some((form) => text.includes(form))).toBe(true)
    }
  })
})
