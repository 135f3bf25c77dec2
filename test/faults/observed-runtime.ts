import { nodeRuntime } from '../../src/runtime/node-runtime.ts'
import type { DialOptions, Runtime, Socket, SocketHandler, Timer } from '../../src/runtime/runtime.ts'

/** The real world, which tells what is left open in it, and whose wall clock can be set. */
export interface ObservedRuntime extends Runtime {
  /** Milliseconds added to what the wall clock says. */
  wallClockOffset: number
  /** Timers that are set and sockets that are open. */
  readonly open: readonly string[]
}

export function observedRuntime(base: Runtime = nodeRuntime): ObservedRuntime {
  const timers = new Set<string>()
  const sockets = new Set<string>()
  let count = 0

  const track = (kind: string, start: (callback: () => void) => Timer, callback: () => void): Timer => {
    const name = `${kind} ${++count}`
    timers.add(name)
    const timer = start(() => {
      timers.delete(name)
      callback()
    })
    return {
      cancel: () => {
        timers.delete(name)
        timer.cancel()
      },
    }
  }

  return {
    ...base,
    wallClockOffset: 0,
    get open() {
      return [...timers, ...sockets]
    },
    wallClock() {
      return base.wallClock() + this.wallClockOffset
    },
    setTimer: (delay, callback) => track(`timer of ${delay} ms,`, (inner) => base.setTimer(delay, inner), callback),
    setImmediate: (callback) => track('immediate', (inner) => base.setImmediate(inner), callback),
    dial: (options: DialOptions, handler: SocketHandler): Socket => {
      const name = `socket to ${options.host}:${options.port}, ${++count}`
      sockets.add(name)
      return base.dial(options, {
        ...(handler.opened === undefined ? {} : { opened: () => handler.opened?.() }),
        received: (chunk) => handler.received(chunk),
        ...(handler.drained === undefined ? {} : { drained: () => handler.drained?.() }),
        ...(handler.ended === undefined ? {} : { ended: () => handler.ended?.() }),
        closed: (error) => {
          sockets.delete(name)
          handler.closed(error)
        },
      })
    },
  }
}
