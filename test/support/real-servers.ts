import { connect } from 'node:net'
import { text } from 'node:stream/consumers'

import { inject, it } from 'vitest'

import { RealZooKeeper, type RealZooKeeperOptions } from '../../src/testing/index.ts'
import type { RealServer, ServerAnswer } from './global-setup.ts'

/** The real ZooKeepers of this run, the newest first; empty where there is none. */
export function realServers(): RealServer[] {
  return inject('realServers').filter(({ forAllSuites }) => forAllSuites)
}

/** Those that a test can start for itself: with jars, and not running elsewhere. */
export function localServers(): RealServer[] {
  return realServers().filter(({ classpath }) => classpath !== null)
}

/** Where there are no {@link localServers}, names what is not run for that: `each` of none would leave no trace of it. */
export function nameIfNotRun(what: string): void {
  if (localServers().length === 0) it.skip(`${what} (not run without Java and ZooKeeper's jars)`)
}

/** Those of the conformance suite: releases besides, where they were asked for. */
export function conformanceServers(): RealServer[] {
  return inject('realServers')
}

/**
 * A standalone ZooKeeper or an ensemble of this test's own, to be killed, paused and restarted: of the given kind, by
 * default the newest. Throws where `realServers()` is empty or names a server that runs elsewhere.
 */
export function ownZooKeeper(options: RealZooKeeperOptions = {}, of?: RealServer): RealZooKeeper {
  const server = of ?? localServers()[0]
  if (server === undefined || server.classpath === null) throw new Error('there is no ZooKeeper to start here')
  return new RealZooKeeper({ classpath: server.classpath, version: server.version, ...options })
}

/** Has the server started by the process that runs the tests, unless it runs already. */
export async function hostsOf(name: string): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port: inject('realServersPort') })
  socket.end(name)
  const answer = JSON.parse(await text(socket)) as ServerAnswer
  if ('error' in answer) throw new Error(answer.error)
  return answer.hosts
}
