import { EmbeddedEnsemble, type EmbeddedMember } from '../../src/server/index.ts'
import { observedRuntime } from './observed-runtime.ts'
import { syncLimit, type Member, type Target, tickTime } from './target.ts'
import { until } from './until.ts'

/** Milliseconds. */
const never = 0x7fff_ffff

function resume(member: EmbeddedMember): void {
  member.lag = 0
  if (member.running && member.server.faults.paused) member.server.faults.resume()
}

export async function startEmbedded(): Promise<Target> {
  const runtime = observedRuntime()
  const noticeAfter = syncLimit * tickTime
  const make = (ports?: readonly number[]): Promise<EmbeddedEnsemble> =>
    new EmbeddedEnsemble({ tickTime, noticeAfter, runtime, ...(ports === undefined ? {} : { ports }) }).start()
  let ensemble = await make()
  const ports = ensemble.members.map(({ port }) => port)

  const members = ensemble.members.map(({ id, port }): Member => {
    const serves = (): boolean => !['stopped', 'looking'].includes(ensemble.member(id).role)
    return {
      id,
      port,
      host: '127.0.0.1',
      address: `127.0.0.1:${port}`,
      // A server in this process ends in one way only: its sockets close, and it is gone.
      kill: () => ensemble.stopMember(id),
      stop: () => ensemble.stopMember(id),
      start: async () => {
        await ensemble.startMember(id)
        await until(`member ${id} serves`, serves)
      },
      // It keeps nothing: each start gets everything from the others.
      wipe: () => Promise.resolve(),
      pause: () => {
        const member = ensemble.member(id)
        member.server.faults.pause()
        // A process that stands still does not hear of what the others write, either.
        member.lag = never
      },
      resume: () => resume(ensemble.member(id)),
    }
  })

  return {
    kind: 'embedded',
    name: 'embedded',
    members,
    hosts: ensemble.hosts,
    leader: () => {
      const id = ensemble.leader
      return id === null ? Promise.reject(new Error('there is no leader')) : Promise.resolve(members[id - 1]!)
    },
    cutOff: (member) =>
      ensemble.partition(
        [member.id],
        members.filter((other) => other !== member).map(({ id }) => id),
      ),
    setWallClock: (offset) => {
      runtime.wallClockOffset = offset
    },
    wipeAll: async () => {
      await ensemble.stop()
      ensemble = await make(ports)
    },
    heal: async () => {
      runtime.wallClockOffset = 0
      ensemble.heal()
      for (const member of ensemble.members) {
        if (!member.running) await ensemble.startMember(member.id)
        resume(member)
      }
      await until('all members serve', () =>
        ensemble.members.every(({ role }) => role === 'leader' || role === 'follower'),
      )
    },
    [Symbol.asyncDispose]: () => ensemble.stop(),
  }
}
