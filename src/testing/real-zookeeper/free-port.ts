import type { Listener, Runtime } from '../../runtime/runtime.ts'

// Below the range from which systems take the ports of outgoing connections (32768 and up on Linux, 49152 elsewhere):
// a port from that range may be taken by any connection while its member is down.
const firstPort = 10_000
const portCount = 22_000

/** `count` different ports of the loopback interface on which nobody listens. Another process may still take one. */
export async function freePorts(runtime: Runtime, count: number): Promise<number[]> {
  const held: Listener[] = []
  try {
    for (let tries = 0; held.length < count; tries++) {
      const port = firstPort + Math.floor(runtime.random() * portCount)
      try {
        held.push(await listen(runtime, port))
      } catch (error) {
        if (tries > 200 + count) throw error
      }
    }
    return held.map((listener) => listener.port)
  } finally {
    await Promise.all(held.map((listener) => listener.close()))
  }
}

function listen(runtime: Runtime, port: number): Promise<Listener> {
  return runtime.listen({ host: '127.0.0.1', port }, (socket) => {
    socket.destroy()
    return { received() {}, closed() {} }
  })
}
