import { AsyncLocalStorage } from 'node:async_hooks'

import {
  context,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Context,
  type ContextManager,
} from '@opentelemetry/api'
import { MeterProvider, MetricReader, type MetricData } from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { instrument } from '../../../src/opentelemetry/index.ts'
import { someStat } from '../../support/scripted-server.ts'
import { answerClose, failure, timeout, world } from '../../support/world.ts'

const data = { data: Buffer.from('x'), stat: someStat }

/** What the SDK for Node brings along, in its shortest form. */
class ContextManagerOfTest implements ContextManager {
  readonly #storage = new AsyncLocalStorage<Context>()

  active(): Context {
    return this.#storage.getStore() ?? ROOT_CONTEXT
  }

  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    active: Context,
    fn: F,
    thisArg?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    return this.#storage.run(active, () => fn.apply(thisArg, args))
  }

  bind<T>(_active: Context, target: T): T {
    return target
  }

  enable(): this {
    return this
  }

  disable(): this {
    return this
  }
}

class ReaderOfTest extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}

  async metrics(): Promise<Map<string, MetricData>> {
    const { resourceMetrics, errors } = await this.collect()
    expect(errors).toEqual([])
    const all = resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics)
    return new Map(all.map((metric) => [metric.descriptor.name, metric]))
  }
}

beforeAll(() => void context.setGlobalContextManager(new ContextManagerOfTest()))
afterAll(() => context.disable())

function spans(): { exporter: InMemorySpanExporter; tracerProvider: BasicTracerProvider } {
  const exporter = new InMemorySpanExporter()
  return { exporter, tracerProvider: new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }) }
}

function metrics(): { reader: ReaderOfTest; meterProvider: MeterProvider } {
  const reader = new ReaderOfTest()
  return { reader, meterProvider: new MeterProvider({ readers: [reader] }) }
}

const points = (metric: MetricData | undefined): unknown[] =>
  (metric?.dataPoints ?? []).map(({ value, attributes }) => [value, attributes])

describe('the spans of requests', () => {
  it('are children of the caller’s, and say what was asked of whom', async () => {
    const { exporter, tracerProvider } = spans()
    using _instrumentation = instrument({ tracerProvider, meterProvider: false })
    await world(
      async ({ connect, client }) => {
        const connection = await connect()
        const tracer = tracerProvider.getTracer('test')
        const parent = tracer.startSpan('parent')
        const reading = context.with(trace.setSpan(ROOT_CONTEXT, parent), () => client.get('/a'))
        connection.answer(await connection.expect('getData'), 'getData', data, 0x1_0000_0007n)
        await reading
        parent.end()
        const [span] = exporter.getFinishedSpans()
        expect(span).toMatchObject({
          name: 'zookeeper get',
          kind: SpanKind.CLIENT,
          instrumentationScope: { name: 'kazoo-ts' },
          status: { code: SpanStatusCode.UNSET },
          attributes: {
            'db.system.name': 'zookeeper',
            'db.operation.name': 'get',
            'db.namespace': '/app',
            'server.port': 2181,
            'zookeeper.path': '/a',
            'zookeeper.session_id': '0x10000',
            'zookeeper.xid': 1,
            'zookeeper.zxid': '0x100000007',
          },
        })
        expect(span?.parentSpanContext?.spanId).toBe(parent.spanContext().spanId)
        expect(span?.attributes['server.address']).toEqual(expect.stringMatching(/^\d+\.\d+\.\d+\.\d+$/))
      },
      { hosts: 'server/app' },
    )
  })

  it('record errors', async () => {
    const { exporter, tracerProvider } = spans()
    using _instrumentation = instrument({ tracerProvider, meterProvider: false })
    await world(async ({ connect, client }) => {
      const connection = await connect()
      const failed = failure(client.get('/a'))
      connection.fail(await connection.expect('getData'), -101)
      await failed
    })
    const [span] = exporter.getFinishedSpans()
    expect(span).toMatchObject({
      status: { code: SpanStatusCode.ERROR, message: 'no such znode: get /a' },
      attributes: { 'error.type': 'NO_NODE', 'db.response.status_code': 'NO_NODE' },
    })
    expect(span?.events.map(({ name, attributes }) => [name, attributes?.['exception.message']])).toEqual([
      ['exception', 'no such znode: get /a'],
    ])
    expect(span?.parentSpanContext).toBeUndefined()
  })

  it('leave paths out where that is wanted, those in errors included', async () => {
    const { exporter, tracerProvider } = spans()
    using _instrumentation = instrument({ tracerProvider, meterProvider: false, paths: false })
    await world(
      async ({ connect, client }) => {
        const connection = await connect()
        const failed = failure(client.get('/customers/jones'))
        connection.fail(await connection.expect('getData'), -101)
        await failed
      },
      { hosts: 'server/acme' },
    )
    const [span] = exporter.getFinishedSpans()
    expect(span).toMatchObject({ status: { code: SpanStatusCode.ERROR, message: 'NO_NODE' } })
    const { attributes, events, status, name } = span!
    expect(events).toHaveLength(1)
    expect(JSON.stringify({ attributes, events, status, name })).not.toMatch(/customers|jones|acme/)
  })

  it('are made under a parent alone where that is wanted', async () => {
    const { exporter, tracerProvider } = spans()
    using _instrumentation = instrument({ tracerProvider, meterProvider: false, requireParent: true })
    await world(async ({ connect, client }) => {
      const connection = await connect()
      const parent = tracerProvider.getTracer('test').startSpan('parent')
      const calls = [client.get('/a'), context.with(trace.setSpan(ROOT_CONTEXT, parent), () => client.get('/b'))]
      for (const _ of calls) connection.answer(await connection.expect('getData'), 'getData', data)
      await Promise.all(calls)
    })
    expect(exporter.getFinishedSpans().map(({ attributes }) => attributes['zookeeper.path'])).toEqual(['/b'])
  })

  it('end with the instrumentation, which may be stopped twice', async () => {
    const { exporter, tracerProvider } = spans()
    const instrumentation = instrument({ tracerProvider, meterProvider: false })
    await world(async ({ connect, client }) => {
      const connection = await connect()
      const reading = client.get('/a')
      const request = await connection.expect('getData')
      expect(exporter.getFinishedSpans()).toEqual([])
      instrumentation.stop()
      expect(exporter.getFinishedSpans()).toHaveLength(1)
      instrumentation.stop()
      connection.answer(request, 'getData', data)
      await reading
      const other = client.get('/b')
      connection.answer(await connection.expect('getData'), 'getData', data)
      await other
    })
    expect(exporter.getFinishedSpans()).toHaveLength(1)
  })
})

describe('the metrics', () => {
  it('count requests under way and waiting, and clients by state', async () => {
    const { reader, meterProvider } = metrics()
    using _instrumentation = instrument({ tracerProvider: false, meterProvider })
    const states = (connected: number, lost: number, suspended = 0): unknown => [
      [connected, { 'zookeeper.client.state': 'CONNECTED' }],
      [suspended, { 'zookeeper.client.state': 'SUSPENDED' }],
      [lost, { 'zookeeper.client.state': 'LOST' }],
    ]
    await world(async ({ client, server, sim }) => {
      const started = client.start()
      const calls = [client.get('/a'), client.get('/b')]
      const before = await reader.metrics()
      expect(points(before.get('zookeeper.client.requests.queued'))).toEqual([[2, {}]])
      expect(points(before.get('zookeeper.client.requests.in_flight'))).toEqual([[0, {}]])
      expect(points(before.get('zookeeper.client.state'))).toEqual(states(0, 1))
      const connection = await server.next()
      await connection.accept({ timeout })
      await started
      const during = await reader.metrics()
      expect(points(during.get('zookeeper.client.requests.queued'))).toEqual([[0, {}]])
      expect(points(during.get('zookeeper.client.requests.in_flight'))).toEqual([[2, {}]])
      expect(points(during.get('zookeeper.client.state'))).toEqual(states(1, 0))
      for (const _ of calls) connection.answer(await connection.expect('getData'), 'getData', data)
      await Promise.all(calls)
      connection.socket.destroy()
      await sim.until(() => client.state === 'SUSPENDED')
      expect(points((await reader.metrics()).get('zookeeper.client.state'))).toEqual(states(0, 0, 1))
      const again = await server.next()
      await again.accept({ timeout })
      await sim.until(() => client.connected)
      const stopping = client.stop()
      await answerClose(again)
      await stopping
    })
    expect(points((await reader.metrics()).get('zookeeper.client.state'))).toEqual(states(0, 0))
    await meterProvider.shutdown()
  })

  it('measure requests by operation and error, and count reconnects', async () => {
    const { reader, meterProvider } = metrics()
    using _instrumentation = instrument({ tracerProvider: false, meterProvider })
    await world(async ({ connect, client, server, sim }) => {
      const connection = await connect()
      const reading = client.get('/a')
      connection.answer(await connection.expect('getData'), 'getData', data)
      await reading
      const failed = failure(client.get('/b'))
      connection.fail(await connection.expect('getData'), -101)
      await failed
      connection.socket.destroy()
      await (await server.next()).accept({ timeout })
      await sim.until(() => client.connected)
    })
    const collected = await reader.metrics()
    const duration = collected.get('db.client.operation.duration')
    expect(duration?.descriptor.unit).toBe('s')
    const [good, bad, ...others] = (duration?.dataPoints ?? []).map(({ value, attributes }) => {
      const { count, sum = 0 } = value as { count: number; sum?: number }
      return { count, sum, attributes }
    })
    expect(others).toEqual([])
    expect(good).toMatchObject({ count: 1, attributes: { 'db.operation.name': 'get', 'server.port': 2181 } })
    // A millisecond each way.
    expect(good?.sum).toBeCloseTo(0.002)
    expect(good?.attributes).not.toHaveProperty('error.type')
    expect(bad).toMatchObject({ count: 1, attributes: { 'error.type': 'NO_NODE' } })
    expect(JSON.stringify(duration)).not.toContain('/a')
    expect(points(collected.get('zookeeper.client.reconnects'))).toMatchObject([[1, { 'server.port': 2181 }]])
    await meterProvider.shutdown()
  })
})

describe('wrong options', () => {
  it.each([
    [5, 'options must be an object'],
    [{ path: true }, 'unknown option "path"'],
    [{ paths: 1 }, 'paths must be a boolean'],
    [{ requireParent: null }, 'requireParent must be a boolean'],
    [{ tracerProvider: {} }, 'tracerProvider must have a function getTracer'],
    [{ meterProvider: true }, 'meterProvider must have a function getMeter'],
  ])('%j are refused', (options, message) => {
    expect(() => instrument(options as never)).toThrow(message)
  })
})
