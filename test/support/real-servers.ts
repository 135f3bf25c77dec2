import { connect } from 'node:net'
import { text } from 'node:stream/consumers'

import { inject } from 'vitest'

import { RealZooKeeper, type RealZooKeeperOptions } from '../../src/testing/index.ts'
import type { RealServer, ServerAnswer } from './global-setup.ts'

/** The real ZooKeepers of this run, the newest first; empty where there is none. */
export function realServers(): RealServer[] {
  return inject('realServers').filter(({ forAllSuites }) => forAllSuites)
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
  const server = of ?? realServers().find(({ classpath }) => classpath !== null)
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
