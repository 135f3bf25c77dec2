import { describe, expect, it } from 'vitest'

import {
  ConnectionClosedError,
  ConnectionLossError,
  ForceRetryError,
  KazooRetry,
  NoNodeError,
  OperationTimeoutError,
  QueueFullError,
  RetryFailedError,
  SessionExpiredError,
  SessionMovedError,
  type KazooRetryOptions,
} from '../../../src/index.ts'
import { Simulation } from '../../../src/testing/simulation/simulation.ts'
import { failure } from '../../support/world.ts'

interface Bench {
  readonly sim: Simulation
  readonly retry: KazooRetry
  /** When the function was called, from the first call on. */
  readonly calls: number[]
  /** A function that fails with these, in this order, and then returns 'done'. */
  readonly failing: (...errors: unknown[]) => () => Promise<string>
}

async function bench(options: KazooRetryOptions, script: (bench: Bench) => Promise<void>): Promise<void> {
  const sim = new Simulation()
  await sim.run(async () => {
    const calls: number[] = []
    const failing = (...errors: unknown[]) => {
      const start = sim.now
      return async (): Promise<string> => {
        calls.push(sim.now - start)
        if (errors.length > 0) throw errors.shift()
        return 'done'
      }
    }
    await script({ sim, retry: new KazooRetry({ ...options, runtime: sim.runtime('client') }), calls, failing })
  })
}

const loss = (): ConnectionLossError => new ConnectionLossError()
const losses = (count: number): ConnectionLossError[] => Array.from({ length: count }, loss)
const pauses = (calls: readonly number[]): number[] => calls.slice(1).map((at, index) => at - calls[index]!)

describe('what is tried again', () => {
  const passing = [
    loss(),
    new OperationTimeoutError(),
    new SessionExpiredError(),
    new SessionMovedError(),
    new QueueFullError(),
    new ForceRetryError(),
  ]

  it.each(passing.map((error) => [error.name, error] as const))('%s', (_name, error) =>
    bench({ maxTries: 2 }, async ({ retry, failing, calls }) => {
      expect(await retry.run(failing(error))).toBe('done')
      expect(calls).toHaveLength(2)
    }),
  )

  const lasting = [new NoNodeError(), new ConnectionClosedError(), new TypeError('x'), 'a string', undefined]

  it.each(lasting.map((error) => [String(error), error] as const))('not %s, which is thrown as it is', (_name, error) =>
    bench({ maxTries: -1 }, async ({ retry, failing, calls }) => {
      let thrown: unknown = 'nothing'
      await retry.run(failing(error)).catch((reason: unknown) => (thrown = reason))
      expect(thrown).toBe(error)
      expect(calls).toEqual([0])
    }),
  )

  it('not the end of the session, where that is not to be ignored', () =>
    bench({ maxTries: 5, ignoreExpire: false }, async ({ retry, failing }) => {
      const expired = new SessionExpiredError()
      expect(await failure(retry.run(failing(loss(), expired)))).toBe(expired)
    }))

  it('functions that throw or return without a promise', () =>
    bench({ maxTries: 2 }, async ({ retry }) => {
      let first = true
      const value = await retry.run(() => {
        if (!first) return 5
        first = false
        throw loss()
      })
      expect(value).toBe(5)
    }))
})

describe('how often', () => {
  it('is once by default, and the failure is the cause', () =>
    bench({}, async ({ retry, failing, calls }) => {
      const last = loss()
      const error = await failure<RetryFailedError>(retry.run(failing(last)))
      expect(error).toBeInstanceOf(RetryFailedError)
      expect(error.cause).toBe(last)
      expect(error.message).toBe('gave up after 1 try')
      expect(calls).toHaveLength(1)
    }))

  it.each([2, 3, 10])('is %i times with maxTries', (maxTries) =>
    bench({ maxTries }, async ({ retry, failing, calls }) => {
      const errors = losses(maxTries)
      const last = errors.at(-1)
      const error = await failure<RetryFailedError>(retry.run(failing(...errors)))
      expect(error.cause).toBe(last)
      expect(error.message).toBe(`gave up after ${maxTries} tries`)
      expect(calls).toHaveLength(maxTries)
    }),
  )

  it('is without limit with −1', () =>
    bench({ maxTries: -1, maxDelay: 10 }, async ({ retry, failing, calls }) => {
      expect(await retry.run(failing(...losses(500)))).toBe('done')
      expect(calls).toHaveLength(501)
    }))

  it('counts each run apart', () =>
    bench({ maxTries: 2, maxJitter: 0 }, async ({ retry, failing, calls }) => {
      await retry.run(failing(loss()))
      await retry.run(failing(loss()))
      expect(calls).toEqual([0, 100, 0, 100])
    }))
})

describe('the pauses', () => {
  it('double from 100 ms', () =>
    bench({ maxTries: -1, maxJitter: 0 }, async ({ retry, failing, calls }) => {
      await retry.run(failing(...losses(5)))
      expect(pauses(calls)).toEqual([100, 200, 400, 800, 1_600])
    }))

  it('follow delay, backoff and maxDelay', () =>
    bench({ maxTries: -1, maxJitter: 0, delay: 10, backoff: 3, maxDelay: 100 }, async ({ retry, failing, calls }) => {
      await retry.run(failing(...losses(5)))
      expect(pauses(calls)).toEqual([10, 30, 90, 100, 100])
    }))

  it('do not pass a minute by default', () =>
    bench({ maxTries: -1 }, async ({ retry, failing, calls }) => {
      await retry.run(failing(...losses(30)))
      // A pause is the difference of two times, which rounds.
      expect(Math.max(...pauses(calls))).toBeLessThan(60_000.001)
    }))

  it.each([0.4, 1])('are spread by a jitter of %d, and no more', (maxJitter) =>
    bench({ maxTries: -1, maxJitter, delay: 100, backoff: 1 }, async ({ retry, failing, calls }) => {
      await retry.run(failing(...losses(300)))
      const seen = pauses(calls)
      // A timer takes a millisecond at least.
      expect(Math.min(...seen)).toBeGreaterThanOrEqual(Math.max(1, 100 * (1 - maxJitter)) - 1e-6)
      expect(Math.max(...seen)).toBeLessThanOrEqual(100 * (1 + maxJitter) + 1e-6)
      expect(Math.max(...seen) - Math.min(...seen)).toBeGreaterThan(100 * maxJitter)
    }),
  )

  it('jitter included, stay under maxDelay', () =>
    bench({ maxTries: -1, delay: 100, maxDelay: 100 }, async ({ retry, failing, calls }) => {
      await retry.run(failing(...losses(100)))
      expect(Math.max(...pauses(calls))).toBeLessThanOrEqual(100 + 1e-6)
    }))
})

describe('the deadline', () => {
  it('lets no call begin after it', () =>
    bench({ maxTries: -1, maxJitter: 0, deadline: 1_000 }, async ({ sim, retry, failing, calls }) => {
      const before = sim.now
      const error = await failure<RetryFailedError>(retry.run(failing(...losses(100))))
      expect(error).toBeInstanceOf(RetryFailedError)
      expect(error.message).toBe('gave up after the deadline of 1000 ms')
      expect(error.cause).toBeInstanceOf(ConnectionLossError)
      expect(calls).toEqual([0, 100, 300, 700])
      // It does not sleep for nothing.
      expect(sim.now - before).toBe(700)
    }))

  it('counts the time that the function takes', () =>
    bench({ maxTries: -1, maxJitter: 0, deadline: 1_000 }, async ({ sim, retry }) => {
      let count = 0
      const error = await failure(
        retry.run(async () => {
          count++
          await sim.sleep(600)
          throw loss()
        }),
      )
      expect(error).toBeInstanceOf(RetryFailedError)
      expect(count).toBe(2)
    }))
})

describe('the signal', () => {
  it('that is aborted already keeps the function from being called', () => {
    const reason = new Error('no more')
    return bench({ maxTries: -1, signal: AbortSignal.abort(reason) }, async ({ retry, failing, calls }) => {
      expect(await failure(retry.run(failing()))).toBe(reason)
      expect(calls).toEqual([])
    })
  })

  it('ends the pause under way', () => {
    const controller = new AbortController()
    return bench({ maxTries: -1, delay: 50_000, signal: controller.signal }, async ({ sim, retry, failing, calls }) => {
      const running = failure(retry.run(failing(...losses(10))))
      await sim.sleep(100)
      controller.abort(new Error('no more'))
      expect(await running).toMatchObject({ message: 'no more' })
      expect(sim.now).toBe(100)
      expect(calls).toEqual([0])
    })
  })

  it('aborted while the function runs spares the pause', () => {
    const controller = new AbortController()
    return bench({ maxTries: -1, delay: 50_000, signal: controller.signal }, async ({ sim, retry }) => {
      const running = failure(
        retry.run(() => {
          controller.abort(new Error('no more'))
          throw loss()
        }),
      )
      expect(await running).toMatchObject({ message: 'no more' })
      expect(sim.now).toBe(0)
    })
  })

  it('does not take back a success', () => {
    const controller = new AbortController()
    return bench({ maxTries: -1, signal: controller.signal }, async ({ retry }) => {
      const value = await retry.run(() => {
        controller.abort()
        return 7
      })
      expect(value).toBe(7)
    })
  })

  it('keeps no listener behind', () => {
    const { signal } = new AbortController()
    let listeners = 0
    const add = signal.addEventListener.bind(signal)
    const remove = signal.removeEventListener.bind(signal)
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners++
      add(...args)
    }
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners--
      remove(...args)
    }
    return bench({ maxTries: -1, signal }, async ({ retry, failing }) => {
      await retry.run(failing(...losses(5)))
      expect(listeners).toBe(0)
    })
  })
})

describe('options', () => {
  it.each([
    [5, TypeError, 'options must be an object, not number'],
    [null, TypeError, 'options must be an object, not null'],
    [{ tries: 1 }, TypeError, 'unknown option "tries"'],
    [{ maxTries: '1' }, TypeError, 'maxTries must be a number, not string'],
    [{ maxTries: 0 }, RangeError, 'maxTries must be at least 1'],
    [{ maxTries: -2 }, RangeError, 'maxTries must be at least 1'],
    [{ maxTries: 1.5 }, RangeError, 'maxTries must be at least 1'],
    [{ delay: -1 }, RangeError, 'delay must be from 0'],
    [{ delay: '1' }, TypeError, 'delay must be a number'],
    [{ maxDelay: Infinity }, RangeError, 'maxDelay must be from 0'],
    [{ deadline: Number.NaN }, RangeError, 'deadline must be from 0'],
    [{ backoff: 0.5 }, RangeError, 'backoff must be from 1'],
    [{ backoff: '2' }, TypeError, 'backoff must be a number'],
    [{ maxJitter: -0.1 }, RangeError, 'maxJitter must be from 0 to 1'],
    [{ maxJitter: 1.1 }, RangeError, 'maxJitter must be from 0 to 1'],
    [{ maxJitter: Number.NaN }, RangeError, 'maxJitter must be from 0 to 1'],
    [{ ignoreExpire: 1 }, TypeError, 'ignoreExpire must be a boolean'],
    [{ signal: {} }, TypeError, 'signal must be an AbortSignal'],
  ])('%j are refused', (options, type, message) => {
    expect(() => new KazooRetry(options as never)).toThrow(type)
    expect(() => new KazooRetry(options as never)).toThrow(message)
  })

  it('have defaults, and can be copied with changes', () => {
    const retry = new KazooRetry({ maxTries: 3, deadline: 500 })
    expect(retry.options).toMatchObject({ maxTries: 3, delay: 100, backoff: 2, maxJitter: 0.4, maxDelay: 60_000 })
    const copy = retry.copy({ delay: 5, deadline: undefined as never })
    expect(copy.options).toMatchObject({ maxTries: 3, delay: 5, backoff: 2 })
    expect(copy.options.deadline).toBeUndefined()
    expect(retry.options).toMatchObject({ delay: 100, deadline: 500 })
    expect(() => retry.copy({ maxTries: 0 })).toThrow(RangeError)
  })
})
