import { describe, expect, it } from 'vitest'

import {
  KazooState,
  stateOf,
  transition,
  type SessionEvent,
  type SessionPhase,
} from '../../../src/session/session-state.ts'

/** Every row: from, what happens, to. */
const rows: [SessionPhase, SessionEvent, SessionPhase][] = [
  ['connecting', 'established', 'connected'],
  ['connecting', 'dropped', 'connecting'],
  ['connecting', 'expired', 'connecting'],
  ['connecting', 'stop', 'closed'],
  ['connecting', 'closed', 'closed'],
  ['connected', 'established', 'connected'],
  ['connected', 'dropped', 'suspended'],
  // Not LOST at once: the way there leads through SUSPENDED.
  ['connected', 'expired', 'suspended'],
  ['connected', 'stop', 'closing'],
  ['connected', 'closed', 'closed'],
  ['suspended', 'established', 'connected'],
  ['suspended', 'dropped', 'suspended'],
  ['suspended', 'expired', 'connecting'],
  ['suspended', 'stop', 'closed'],
  ['suspended', 'closed', 'closed'],
  ['closing', 'established', 'closing'],
  ['closing', 'dropped', 'closed'],
  ['closing', 'expired', 'closed'],
  ['closing', 'stop', 'closing'],
  ['closing', 'closed', 'closed'],
  ['closed', 'established', 'closed'],
  ['closed', 'dropped', 'closed'],
  ['closed', 'expired', 'closed'],
  ['closed', 'stop', 'closed'],
  ['closed', 'closed', 'closed'],
]

describe("the session's table", () => {
  it.each(rows)('%s, %s: %s', (from, event, to) => {
    expect(transition(from, event)).toBe(to)
  })

  it('has a row for each phase and event', () => {
    expect(new Set(rows.map(([from, event]) => `${from} ${event}`)).size).toBe(5 * 5)
  })

  it('shows the application three states', () => {
    expect(stateOf('connecting')).toBe(KazooState.LOST)
    expect(stateOf('connected')).toBe(KazooState.CONNECTED)
    expect(stateOf('suspended')).toBe(KazooState.SUSPENDED)
    // The session lives until the server has confirmed its end.
    expect(stateOf('closing')).toBe(KazooState.CONNECTED)
    expect(stateOf('closed')).toBe(KazooState.LOST)
  })

  it('never leads from CONNECTED to LOST but by stop or the end', () => {
    for (const [from, event, to] of rows) {
      if (stateOf(from) !== 'CONNECTED' || stateOf(to) !== 'LOST') continue
      expect(['closing', 'closed'].includes(from) || event === 'closed').toBe(true)
    }
  })
})
