import type { Runtime } from '../../src/runtime/runtime.ts'

/** A runtime whose clock a test moves on within a tick, as a callback that takes long does. */
export interface SkewedClock {
  readonly runtime: Runtime
  /** Milliseconds added to what the clock says. */
  skew: number
  /** Adds to the skew when the clock has been looked at so many times more. */
  readonly jump: (looks: number, skew: number) => void
}

export function skewedClock(base: Runtime): SkewedClock {
  let looksLeft = 0
  let jumpBy = 0
  const now = (): number => {
    if (looksLeft > 0 && --looksLeft === 0) clock.skew += jumpBy
    return base.now() + clock.skew
  }
  const clock = {
    skew: 0,
    jump: (looks: number, skew: number): void => {
      looksLeft = looks
      jumpBy = skew
    },
    runtime: new Proxy(base, {
      get(target, name) {
        if (name === 'now') return now
        const value: unknown = Reflect.get(target, name, target)
        return typeof value === 'function' ? (value.bind(target) as unknown) : value
      },
    }),
  }
  return clock
}
