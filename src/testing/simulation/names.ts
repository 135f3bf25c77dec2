import type { ResolvedAddress } from '../../runtime/runtime.ts'

/** What a name resolves to: addresses, a failure, or whatever a function says on each call. */
export type NameAnswer = readonly string[] | Error | (() => readonly string[] | Error)

/** The simulated name service. Each host's own name is known from the start, and can be overridden. */
export class Names {
  readonly #answers = new Map<string, NameAnswer>()
  readonly #addressOfHost: (name: string) => string | null

  /** @internal */
  constructor(addressOfHost: (name: string) => string | null) {
    this.#addressOfHost = addressOfHost
  }

  /** Sets what a name resolves to from now on; host names stand for their addresses. */
  set(name: string, answer: NameAnswer): void {
    this.#answers.set(name, answer)
  }

  /** Forgets what was set. */
  delete(name: string): void {
    this.#answers.delete(name)
  }

  /** Throws `ENOTFOUND`, or what was set, when there is no address. @internal */
  resolve(name: string): ResolvedAddress[] {
    const family = familyOf(name)
    if (family !== null) return [{ address: name, family }]
    if (name === 'localhost') return [{ address: '127.0.0.1', family: 4 }]
    const set = this.#answers.get(name)
    const answer = typeof set === 'function' ? set() : set
    if (answer instanceof Error) throw answer
    const found = answer ?? [name]
    const addresses = found.flatMap((each): ResolvedAddress[] => {
      const address = familyOf(each) === null ? this.#addressOfHost(each) : each
      return address === null ? [] : [{ address, family: familyOf(address) ?? 4 }]
    })
    if (addresses.length > 0) return addresses
    throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), { code: 'ENOTFOUND', hostname: name })
  }
}

function familyOf(name: string): 4 | 6 | null {
  if (name.includes(':')) return 6
  return /^\d+\.\d+\.\d+\.\d+$/.test(name) ? 4 : null
}
