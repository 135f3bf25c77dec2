import { expect, it } from 'vitest'

import { EnsembleConfig } from '../../../../src/server/reconfig/ensemble-config.ts'
import { nextServers } from '../../../../src/server/reconfig/next-servers.ts'
import { parseServer, type ConfiguredServer } from '../../../../src/server/reconfig/server-line.ts'

const server = (id: number, role = 'participant'): ConfiguredServer =>
  parseServer(id, `10.0.0.${id}:1:2:${role};3`) as ConfiguredServer
const current = new EnsembleConfig(255, [server(2), server(1), server(3, 'observer')])

/** The lines of the members that come of it, or a code. */
function next(change: { newMembers?: string; joining?: string; leaving?: string }): string[] | number {
  const request = { newMembers: null, joining: null, leaving: null, curConfigId: -1n, ...change }
  const servers = nextServers(current, request)
  if (typeof servers === 'number') return servers
  return new EnsembleConfig(0, servers.values()).toString().split('\n').slice(0, -1)
}

const [one, two, three] = current.toString().split('\n') as [string, string, string]

it('is written in the order of ids, with its version in hexadecimal', () => {
  expect(current.toString()).toBe(`${one}\n${two}\n${three}\nversion=ff`)
  expect(current.voters).toEqual([1, 2])
  expect([[1, 2], [1, 3, 4], [1], []].map((ids) => current.isQuorum(ids))).toEqual([true, false, false, false])
})

it('changes what is asked for, the leaving first', () => {
  expect(next({})).toEqual([one, two, three])
  expect(next({ leaving: '3,9' })).toEqual([one, two])
  expect(next({ leaving: '3', joining: three })).toEqual([one, two, three])
  expect(next({ joining: 'server.1=10.0.0.1:5:6;7' })).toEqual([
    'server.1=10.0.0.1:5:6:participant;0.0.0.0:7',
    two,
    three,
  ])
  expect(next({ joining: 'server.4=10.0.0.1:1:6;7' })).toBe(-8)
  expect(next({ leaving: '1', joining: 'server.4=10.0.0.1:1:6;7' })).toEqual([
    two,
    three,
    'server.4=10.0.0.1:1:6:participant;0.0.0.0:7',
  ])
})

it('makes all of them anew, whatever their addresses', () => {
  expect(next({ newMembers: `${two},${one}` })).toEqual([one, two])
  expect(next({ newMembers: `${one},server.2=10.0.0.1:1:2` })).toEqual([one, 'server.2=10.0.0.1:1:2:participant'])
  // Beside new ones nothing else counts.
  expect(next({ newMembers: `${one},${two}`, joining: 'x', leaving: 'x' })).toEqual([one, two])
})

it('does not know groups and weights', () => {
  expect(next({ newMembers: `${one},${two},group.1=1:2,weight.1=1` })).toBe(-8)
})
