import { describe, expect, it } from 'vitest'

import { world } from '../../support/world.ts'

describe('a listener that another removes while both are told', () => {
  it('is not called', () =>
    world(async ({ client, connect }) => {
      const heard: string[] = []
      const removed = (state: string): void => void heard.push(`removed ${state}`)
      client.addListener((state) => {
        heard.push(`first ${state}`)
        client.removeListener(removed)
      })
      client.addListener(removed)
      client.addListener((state) => void heard.push(`last ${state}`))
      await connect()
      expect(heard).toEqual(['first CONNECTED', 'last CONNECTED'])
    }))
})
