/**
 * The session's states and the one function that moves between them.
 *
 * - `connecting`: started, no session yet, or none any more: a new one is being asked for
 * - `connected`: a server serves the session, and authentication succeeded
 * - `suspended`: no server does; whether the session lives on is not known
 * - `closing`: `stop` was called, and the server has yet to confirm the end
 * - `closed`: over; nothing leads out of it
 */
export type SessionPhase = 'connecting' | 'connected' | 'suspended' | 'closing' | 'closed'

export type SessionEvent = 'established' | 'dropped' | 'expired' | 'stop' | 'closed'

/** What an application needs to know of the connection. Kazoo's three states, under Kazoo's names. */
export type KazooState = 'CONNECTED' | 'SUSPENDED' | 'LOST'

/** The states by name, for those who compare with `KazooState.LOST`. */
export const KazooState: { readonly [S in KazooState]: S } = {
  CONNECTED: 'CONNECTED',
  SUSPENDED: 'SUSPENDED',
  LOST: 'LOST',
}

const table: Record<SessionPhase, Record<SessionEvent, SessionPhase>> = {
  connecting: {
    established: 'connected',
    dropped: 'connecting',
    expired: 'connecting',
    stop: 'closed',
    closed: 'closed',
  },
  connected: {
    established: 'connected',
    dropped: 'suspended',
    // A listener sees SUSPENDED on the way from CONNECTED to LOST: an expiry is preceded by a drop.
    expired: 'suspended',
    stop: 'closing',
    closed: 'closed',
  },
  suspended: {
    established: 'connected',
    dropped: 'suspended',
    expired: 'connecting',
    stop: 'closed',
    closed: 'closed',
  },
  closing: {
    established: 'closing',
    dropped: 'closed',
    expired: 'closed',
    stop: 'closing',
    closed: 'closed',
  },
  closed: {
    established: 'closed',
    dropped: 'closed',
    expired: 'closed',
    stop: 'closed',
    closed: 'closed',
  },
}

export function transition(phase: SessionPhase, event: SessionEvent): SessionPhase {
  return table[phase][event]
}

const states: Record<SessionPhase, KazooState> = {
  connecting: 'LOST',
  connected: 'CONNECTED',
  suspended: 'SUSPENDED',
  closing: 'CONNECTED',
  closed: 'LOST',
}

export function stateOf(phase: SessionPhase): KazooState {
  return states[phase]
}
