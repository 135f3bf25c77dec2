import type { Runtime } from '../../src/runtime/runtime.ts'

/** A runtime whose clock a test moves on within a tick, as a callback that takes long does. */
export interface SkewedClock {
  readonly runtime: Runtime
  /** Milliseconds added to what the clock says. */
  skew: number
}

export function skewedClock(base: Runtime): SkewedClock {
  const clock = {
    skew: 0,
    runtime: new Proxy(base, {
      get(target, name) {
        if (name === 'now') return () => target.now() + clock.skew
        const value: unknown = Reflect.get(target, name, target)
        return typeof value === 'function' ? (value.bind(target) as unknown) : value
      },
    }),
  }
  return clock
}
