import type { Fault } from './fault.ts'
import { authChanged } from './faults/auth-changed.ts'
import { blackHole } from './faults/black-hole.ts'
import { blockedLoop } from './faults/blocked-loop.ts'
import { followerCutOff, leaderCutOff } from './faults/cut-off.ts'
import { cutReply } from './faults/cut-reply.ts'
import { manyWatches } from './faults/many-watches.ts'
import { followerKilled, leaderKilled, memberWiped, rollingRestart } from './faults/member-lost.ts'
import { pausedBriefly, pausedLong } from './faults/paused.ts'
import { sessionMoved } from './faults/session-moved.ts'
import { wallClock } from './faults/wall-clock.ts'
import { allWiped } from './faults/wiped.ts'

/** All that is tried, in the order of the table in docs/faults.md. */
export const faults: readonly Fault[] = [
  leaderKilled,
  followerKilled,
  followerCutOff,
  leaderCutOff,
  pausedBriefly,
  pausedLong,
  rollingRestart,
  cutReply,
  blackHole,
  wallClock,
  memberWiped,
  allWiped,
  sessionMoved,
  authChanged,
  manyWatches,
  blockedLoop,
]
