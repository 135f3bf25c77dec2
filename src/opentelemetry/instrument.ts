import { metrics, trace, type MeterProvider, type TracerProvider } from '@opentelemetry/api'

import { RequestMetrics } from './request-metrics.ts'
import { RequestSpans } from './request-spans.ts'

const scope = 'kazoo-ts'

/** Options of {@link instrument}. */
export interface InstrumentOptions {
  /** Where spans go; `false` for none. @defaultValue the provider that is registered globally */
  readonly tracerProvider?: TracerProvider | false
  /** Where metrics go; `false` for none. @defaultValue the provider that is registered globally at this moment */
  readonly meterProvider?: MeterProvider | false
  /** Whether spans name the paths of znodes. Without them, errors are recorded without their messages, too. @defaultValue true */
  readonly paths?: boolean
  /** Whether a request gets a span only where the caller has one. @defaultValue false */
  readonly requireParent?: boolean
}

/** What {@link instrument} began. */
export interface Instrumentation {
  /** Ends it, and the spans that are open. May be called any number of times. */
  stop(): void
  /** {@link stop}, for `using`. */
  [Symbol.dispose](): void
}

/**
 * Reports all clients of this process to OpenTelemetry, those that exist included, until it is stopped: each request as
 * a span of kind CLIENT under the caller's active span, and metrics of requests, connections and states.
 *
 * Names follow OpenTelemetry's conventions for database clients; what ZooKeeper alone has is under `zookeeper.`. Neither
 * data nor credentials are in any of them. Instrumented twice, every request is reported twice.
 *
 * @throws TypeError that names the option
 */
export function instrument(options: InstrumentOptions = {}): Instrumentation {
  const { tracerProvider, meterProvider, paths = true, requireParent = false } = check(options)
  const parts: { stop(): void }[] = []
  if (tracerProvider !== false) {
    const tracer = (tracerProvider ?? trace.getTracerProvider()).getTracer(scope)
    parts.push(new RequestSpans(tracer, { paths, requireParent }))
  }
  if (meterProvider !== false) {
    parts.push(new RequestMetrics((meterProvider ?? metrics.getMeterProvider()).getMeter(scope)))
  }
  const stop = (): void => {
    for (const part of parts.splice(0)) part.stop()
  }
  return { stop, [Symbol.dispose]: stop }
}

const names: ReadonlySet<string> = new Set(['tracerProvider', 'meterProvider', 'paths', 'requireParent'])

function check(options: InstrumentOptions): InstrumentOptions {
  if (typeof options !== 'object' || options === null) throw new TypeError('options must be an object')
  for (const name of Object.keys(options)) {
    if (!names.has(name)) throw new TypeError(`unknown option ${JSON.stringify(name)}`)
  }
  for (const name of ['paths', 'requireParent'] as const) {
    const value: unknown = options[name]
    if (value !== undefined && typeof value !== 'boolean') throw new TypeError(`${name} must be a boolean`)
  }
  checkProvider(options.tracerProvider, 'tracerProvider', 'getTracer')
  checkProvider(options.meterProvider, 'meterProvider', 'getMeter')
  return options
}

function checkProvider(provider: unknown, name: string, method: string): void {
  if (provider === undefined || provider === false) return
  if (typeof (provider as Record<string, unknown> | null)?.[method] !== 'function') {
    throw new TypeError(`${name} must have a function ${method}, or be false`)
  }
}
