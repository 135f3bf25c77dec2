import type { Op, Program, Step } from './program.ts'
import { standsAlone } from './program.ts'
import { Notation } from './normalize.ts'
import { Slot } from './session.ts'
import type { Target } from './targets.ts'

/** What each session heard, line by line. */
export type Trace = ReadonlyMap<string, readonly string[]>

const open = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }]
export const users = ['alice:secret', 'bob:builder'] as const

/** Runs programs against one server. Its own session makes the subtrees and takes them down. */
export class Executor {
  readonly target: Target
  #keeper: Slot | null = null

  constructor(target: Target) {
    this.target = target
  }

  /** Runs a program in the subtree `root`, which does not exist yet. */
  async run(program: Program, root: string): Promise<Trace> {
    const keeper = await this.#keep()
    const begin = keeper.lines.length
    await keeper.send([{ op: 'create', body: { path: root, data: 'root', acl: open, flags: 0 } }], false)
    const notation = new Notation(keeper.lastZxid)
    const run = new Run(this.target, notation, root, keeper)
    for (const step of program.steps) await run.step(step)
    const cleanUp = await run.finish()
    if (cleanUp.length > 0) await keeper.send(cleanUp, false)
    // The keeper's own words would name zxids of other programs.
    const codes = keeper.lines.splice(begin).map((line) => /err (-?\d+)/.exec(line)?.[1] ?? line)
    return new Map([...run.lines(), ['keeper', codes]])
  }

  async #keep(): Promise<Slot> {
    let keeper = this.#keeper
    if (keeper?.isOpen !== true) {
      keeper = new Slot(9, this.target.port, new Notation(0n), '')
      this.#keeper = keeper
      await keeper.connect({ session: 'new' })
      for (const user of users) await keeper.send([auth(user)], true)
    }
    return keeper
  }
}

export function auth(credential: string): Op {
  return { op: 'auth', body: { type: 0, scheme: 'digest', auth: credential }, xid: -4 }
}

class Run {
  readonly #slots = new Map<number, Slot>()
  readonly #target: Target
  readonly #notation: Notation
  readonly #root: string
  readonly #keeper: Slot
  readonly #closings = new Set<bigint>()

  constructor(target: Target, notation: Notation, root: string, keeper: Slot) {
    this.#keeper = keeper
    this.#target = target
    this.#notation = notation
    this.#root = root
  }

  lines(): [string, readonly string[]][] {
    return [...this.#slots].map(([index, { lines }]) => [`S${index}`, lines])
  }

  async step(step: Step): Promise<void> {
    const slot = this.#slot(step.slot)
    // Events that are on their way when a connection ends may or may not arrive.
    if (step.do !== 'send') await slot.settle()
    slot.lines.push(`- ${step.do}`)
    switch (step.do) {
      case 'connect':
        await slot.connect(step.how)
        break
      case 'drop':
        await slot.drop()
        break
      case 'expire':
        await this.#expire(slot)
        break
      case 'send': {
        if (!slot.isOpen) await this.#reconnect(slot)
        const closing = step.ops.some(({ op }) => op === 'closeSession')
        await slot.send(step.ops, step.ops.some(standsAlone))
        if (closing) this.#closings.add(slot.lastZxid)
        break
      }
    }
  }

  /** Ends the program: nothing is on its way any more, and no session is left. What the keeper is to delete. */
  async finish(): Promise<Op[]> {
    for (const slot of this.#slots.values()) await slot.settle()
    for (const slot of this.#slots.values()) {
      if (slot.isOpen && slot.hasSession) await this.#close(slot)
      slot.abandon()
      for (const { id, password } of slot.orphans) await this.#bury(id, password)
    }
    for (const slot of this.#slots.values()) {
      await slot.drop()
      slot.sortEvents(this.#closings)
    }
    const paths = [...this.#notation.created].toSorted((a, b) => depth(b) - depth(a) || (a < b ? 1 : -1))
    return [...paths, this.#root].map((path) => ({ op: 'delete', body: { path, version: -1 } }))
  }

  #slot(index: number): Slot {
    let slot = this.#slots.get(index)
    if (slot === undefined) {
      slot = new Slot(index, this.#target.port, this.#notation, this.#root)
      this.#slots.set(index, slot)
    }
    return slot
  }

  async #reconnect(slot: Slot): Promise<void> {
    if (slot.hasSession) await slot.connect({ session: 'own' })
    if (!slot.isOpen) await slot.connect({ session: 'new' })
  }

  async #expire(slot: Slot): Promise<void> {
    if (!slot.hasSession) return
    const { id, password } = slot
    // The connection goes first: where a session is closed from another connection, it would not hear of it.
    await slot.drop()
    if (this.#target.expire === null) await this.#bury(id, password)
    else this.#target.expire(id)
    await this.#keeper.settle()
    this.#closings.add(this.#keeper.lastZxid)
    await slot.settle()
  }

  /** Closes a session from a connection of its own. */
  async #bury(id: bigint, password: Uint8Array): Promise<void> {
    const undertaker = new Slot(8, this.#target.port, this.#notation, this.#root)
    undertaker.id = id
    undertaker.password = password
    await undertaker.connect({ session: 'own' })
    if (undertaker.isOpen) await this.#close(undertaker)
    await undertaker.drop()
  }

  async #close(slot: Slot): Promise<void> {
    await slot.send([{ op: 'closeSession', body: null }], true)
    this.#closings.add(slot.lastZxid)
  }
}

function depth(path: string): number {
  return path.split('/').length
}
