import { subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel'

import {
  ValueType,
  type BatchObservableCallback,
  type Counter,
  type Histogram,
  type Meter,
  type Observable,
} from '@opentelemetry/api'

import { KazooState, type ConnectionMessage, type RequestMessage, type TracedSession } from '../client/index.ts'
import { channelNames } from '../common/channel-names.ts'
import { errorType, requestAttributes, serverAttributes } from './attributes.ts'

/** As the conventions have them for this histogram, in seconds. */
const boundaries = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]

/** Durations as they happen, and what all clients are at when somebody asks. */
export class RequestMetrics {
  readonly #meter: Meter
  readonly #duration: Histogram
  readonly #reconnects: Counter
  readonly #inFlight: Observable
  readonly #queued: Observable
  readonly #states: Observable
  readonly #sessions = new Set<TracedSession>()
  readonly #requests = tracingChannel<unknown, RequestMessage>(channelNames.request)
  readonly #connections = tracingChannel<unknown, ConnectionMessage>(channelNames.connection)
  readonly #requestListeners = {
    start: ({ session }: RequestMessage): void => this.#meet(session),
    asyncEnd: (message: RequestMessage): void => this.#ended(message),
    // The types ask for all of them.
    end: ignore,
    asyncStart: ignore,
    error: ignore,
  }
  readonly #connectionListeners = {
    start: ({ session }: ConnectionMessage): void => this.#meet(session),
    asyncEnd: (message: ConnectionMessage): void => this.#connected(message),
    end: ignore,
    asyncStart: ignore,
    error: ignore,
  }
  readonly #onState = (message: unknown): void => this.#meet((message as { session: TracedSession }).session)
  readonly #observe: BatchObservableCallback = (result) => {
    const counts = new Map<KazooState, number>(Object.values(KazooState).map((state) => [state, 0]))
    let [inFlight, queued] = [0, 0]
    for (const session of this.#sessions) {
      if (session.stopped) {
        this.#sessions.delete(session)
        continue
      }
      inFlight += session.inFlight
      queued += session.queued
      counts.set(session.state, (counts.get(session.state) ?? 0) + 1)
    }
    result.observe(this.#inFlight, inFlight)
    result.observe(this.#queued, queued)
    for (const [state, count] of counts) result.observe(this.#states, count, { 'zookeeper.client.state': state })
  }

  constructor(meter: Meter) {
    this.#meter = meter
    this.#duration = meter.createHistogram('db.client.operation.duration', {
      description: 'Duration of requests, from the call until the promise is settled',
      unit: 's',
      advice: { explicitBucketBoundaries: boundaries },
    })
    this.#reconnects = meter.createCounter('zookeeper.client.reconnects', {
      description: 'Connections established by clients that had one before',
      unit: '{connection}',
      valueType: ValueType.INT,
    })
    const requests = { unit: '{request}', valueType: ValueType.INT }
    this.#inFlight = meter.createObservableUpDownCounter('zookeeper.client.requests.in_flight', {
      description: 'Requests sent and not answered',
      ...requests,
    })
    this.#queued = meter.createObservableUpDownCounter('zookeeper.client.requests.queued', {
      description: 'Requests that wait for a connection',
      ...requests,
    })
    this.#states = meter.createObservableGauge('zookeeper.client.state', {
      description: 'Started clients, by their state',
      unit: '{client}',
      valueType: ValueType.INT,
    })
    meter.addBatchObservableCallback(this.#observe, [this.#inFlight, this.#queued, this.#states])
    this.#requests.subscribe(this.#requestListeners)
    this.#connections.subscribe(this.#connectionListeners)
    subscribe(channelNames.state, this.#onState)
  }

  stop(): void {
    this.#requests.unsubscribe(this.#requestListeners)
    this.#connections.unsubscribe(this.#connectionListeners)
    unsubscribe(channelNames.state, this.#onState)
    this.#meter.removeBatchObservableCallback(this.#observe, [this.#inFlight, this.#queued, this.#states])
    this.#sessions.clear()
  }

  /** Those that were started earlier are met with the first thing they do. */
  #meet(session: TracedSession): void {
    if (!session.stopped) this.#sessions.add(session)
  }

  #ended(message: RequestMessage): void {
    const attributes = requestAttributes(message)
    if ('error' in message) attributes['error.type'] = errorType(message.error)
    this.#duration.record((message.duration ?? 0) / 1_000, attributes)
  }

  #connected({ reconnect, server, error }: ConnectionMessage): void {
    if (reconnect && error === undefined) this.#reconnects.add(1, serverAttributes(server))
  }
}

function ignore(): void {}
