import { expect, it } from 'vitest'

import type { WatchedEvent } from '../../../src/index.ts'
import { eventTypes } from '../../../src/protocol/constants.ts'
import { eventFrame, someStat } from '../../support/scripted-server.ts'
import { world } from '../../support/world.ts'

const path = '/zookeeper/config'

it.each(['server', 'server/app'])('a watch of the configuration is forgotten by its path, by a client of %s', (hosts) =>
  world(
    async ({ client, connect }) => {
      const connection = await connect()
      const heard: [string, WatchedEvent][] = []
      const forgotten = (event: WatchedEvent): void => void heard.push(['forgotten', event])
      const reads = [
        client.getConfig({ watch: forgotten }),
        client.getConfig({ watch: (event) => void heard.push(['kept', event]) }),
        client.get(path, { watch: forgotten }),
      ]
      const paths = []
      for (const _ of reads) {
        const request = await connection.expect('getData')
        paths.push(request.values.path)
        connection.answer(request, 'getData', { data: null, stat: someStat })
      }
      await Promise.all(reads)
      client.unwatch(path, forgotten)
      for (const watched of new Set(paths)) connection.socket.write(eventFrame(eventTypes.dataChanged, watched))
      const fence = client.exists('/')
      connection.answer(await connection.expect('exists'), 'exists', { stat: someStat })
      await fence
      expect(heard).toEqual([['kept', { type: 'CHANGED', path }]])
    },
    { hosts },
  ),
)
