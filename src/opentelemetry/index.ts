/** An optional entry: what the client does, as OpenTelemetry's spans and metrics. Needs `@opentelemetry/api`. */

export { instrument, type Instrumentation, type InstrumentOptions } from './instrument.ts'
