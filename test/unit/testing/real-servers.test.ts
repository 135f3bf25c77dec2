import { describe, expect, it } from 'vitest'

import { hostsOf, realServers } from '../../support/real-servers.ts'

// Where there is no real server, the run says so in its first line.
describe.each(realServers().slice(0, 1))('the server that all files share: $name', ({ name }) => {
  it('is started once', async () => {
    const [first, second] = await Promise.all([hostsOf(name), hostsOf(name)])
    expect(first).toMatch(/:\d+/)
    expect(second).toBe(first)
    expect(await hostsOf(name)).toBe(first)
  })
})

it('is not started under a name that nobody knows', async () => {
  await expect(hostsOf('ZooKeeper 0.0')).rejects.toThrow('no real server is called ZooKeeper 0.0')
})
