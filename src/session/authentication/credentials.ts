import type { AuthInfo } from './auth-request.ts'

/** Credentials to present, or a function that is asked for them on each connection, so that they may change. */
export type CredentialSource = readonly AuthInfo[] | (() => readonly AuthInfo[] | PromiseLike<readonly AuthInfo[]>)

/** What is presented on each connection: what the options give, then what was added and accepted since, in this order. */
export class Credentials {
  readonly #source: CredentialSource
  readonly #added: AuthInfo[] = []

  constructor(source: CredentialSource) {
    this.#source = source
  }

  /** Adds what a server has accepted, to be presented on each connection from now on. */
  remember(info: AuthInfo): void {
    addUnlessKnown(this.#added, info)
  }

  /** At once where there is no function to ask. */
  all(): readonly AuthInfo[] | Promise<readonly AuthInfo[]> {
    const source = this.#source
    return typeof source === 'function' ? this.#ask(source) : this.#merge(source)
  }

  async #ask(source: () => readonly AuthInfo[] | PromiseLike<readonly AuthInfo[]>): Promise<readonly AuthInfo[]> {
    return this.#merge(await source())
  }

  #merge(given: readonly AuthInfo[]): readonly AuthInfo[] {
    const all: AuthInfo[] = []
    for (const info of [...given, ...this.#added]) addUnlessKnown(all, info)
    return all
  }
}

/** Presented twice they prove no more. */
function addUnlessKnown(known: AuthInfo[], info: AuthInfo): void {
  const bytes = Buffer.from(info.credential)
  const isKnown = known.some(
    ({ scheme, credential }) => scheme === info.scheme && bytes.equals(Buffer.from(credential)),
  )
  if (!isKnown) known.push(info)
}
