import { tracingChannel } from 'node:diagnostics_channel'

import { context, SpanKind, SpanStatusCode, trace, type Exception, type Span, type Tracer } from '@opentelemetry/api'

import type { RequestMessage } from '../client/index.ts'
import { channelNames } from '../common/channel-names.ts'
import { ZooKeeperError } from '../common/errors.ts'
import { errorType, hex, requestAttributes, serverAttributes } from './attributes.ts'

interface SpanOptions {
  readonly paths: boolean
  readonly requireParent: boolean
}

/** A span for each request, from the call until its promise is settled. */
export class RequestSpans {
  readonly #tracer: Tracer
  readonly #options: SpanOptions
  readonly #open = new Map<RequestMessage, Span>()
  readonly #channel = tracingChannel<unknown, RequestMessage>(channelNames.request)
  readonly #listeners = {
    start: (message: RequestMessage): void => this.#start(message),
    asyncEnd: (message: RequestMessage): void => this.#end(message),
    // The types ask for all of them.
    end: ignore,
    asyncStart: ignore,
    error: ignore,
  }

  constructor(tracer: Tracer, options: SpanOptions) {
    this.#tracer = tracer
    this.#options = options
    this.#channel.subscribe(this.#listeners)
  }

  stop(): void {
    this.#channel.unsubscribe(this.#listeners)
    for (const span of this.#open.values()) span.end()
    this.#open.clear()
  }

  /** Called in the asynchronous context of the caller. */
  #start(message: RequestMessage): void {
    const parent = context.active()
    if (this.#options.requireParent && trace.getSpan(parent) === undefined) return
    const { op, path, chroot } = message
    const attributes = requestAttributes(message)
    if (this.#options.paths) {
      if (path !== undefined) attributes['zookeeper.path'] = path
      if (chroot !== '') attributes['db.namespace'] = chroot
    }
    const span = this.#tracer.startSpan(`zookeeper ${op}`, { kind: SpanKind.CLIENT, attributes }, parent)
    this.#open.set(message, span)
  }

  #end(message: RequestMessage): void {
    const span = this.#open.get(message)
    if (span === undefined) return
    this.#open.delete(message)
    span.setAttributes(serverAttributes(message.server))
    if (message.sessionId !== null) span.setAttribute('zookeeper.session_id', hex(message.sessionId))
    if (message.xid !== null) span.setAttribute('zookeeper.xid', message.xid)
    if (message.zxid !== null) span.setAttribute('zookeeper.zxid', hex(message.zxid))
    if ('error' in message) this.#fail(span, message.error)
    span.end()
  }

  #fail(span: Span, error: unknown): void {
    const type = errorType(error)
    span.setAttribute('error.type', type)
    if (error instanceof ZooKeeperError) span.setAttribute('db.response.status_code', error.code)
    const exception = this.#options.paths ? describe(error) : { name: type }
    span.recordException(exception)
    const message = typeof exception === 'string' ? exception : (exception.message ?? type)
    span.setStatus({ code: SpanStatusCode.ERROR, message })
  }
}

function describe(error: unknown): Exclude<Exception, string> & { readonly message?: string } {
  // What a caller aborts with may be anything, and say anything.
  return error instanceof Error ? error : { name: errorType(error) }
}

function ignore(): void {}
