import { describe, expect, it } from 'vitest'

import {
  formatServer,
  parseServer,
  shareAddress,
  type ConfiguredServer,
} from '../../../../src/server/reconfig/server-line.ts'

const parsed = (text: string): ConfiguredServer => {
  const server = parseServer(4, text)
  if (typeof server === 'number') throw new Error(`${text}: ${server}`)
  return server
}

// As a ZooKeeper 3.9.5 reads them.
describe('a member of the configuration', () => {
  it.each([
    ['h:1:2:participant;c:3', 'h:1:2:participant;c:3'],
    ['h:1:2', 'h:1:2:participant'],
    ['h:1:2;3', 'h:1:2:participant;0.0.0.0:3'],
    ['h:1:2: Observer ;3', 'h:1:2:observer;0.0.0.0:3'],
    ['h:+1:02:observer;', 'h:1:2:observer'],
    [':1:2;3', 'localhost:1:2:participant;0.0.0.0:3'],
    ['H:0:2', 'H:0:2:participant'],
    ['[::1]:1:2;[fe80::1]:3', '[0:0:0:0:0:0:0:1]:1:2:participant;[fe80:0:0:0:0:0:0:1]:3'],
    ['[1.2.3.4]:1:2;x:5', '1.2.3.4:1:2:participant;x:5'],
  ])('%s reads as %s', (text, line) => {
    expect(formatServer(parsed(text))).toBe(line)
    expect(parsed(line)).toEqual(parsed(text))
  })

  it.each([
    ['', -8],
    ['h', -8],
    ['h:1', -8],
    ['h:1:2:observer:x', -8],
    ['h:1:2:', 0],
    ['h:1:2:watcher', -8],
    ['h:1:1', -8],
    ['h:x:2', -8],
    ['h:1: 2', -8],
    ['h:1:99999999999', -8],
    ['h:1:2|i:1:2', -8],
    ['h:1:2;3;4', -8],
    ['h:1:2;a:b:3', -8],
    ['h:1:2;b', -8],
    ['h:1:2;a:', -8],
    ['[::1:1:2', -8],
    ['[::1]:', -8],
    ['h:1:2;[::1]:', -8],
    ['h:1:70000', -5],
    ['h:-1:2', -5],
    ['h:1:2;70000', -5],
    ['h:1:2;:', -5],
    [';', -5],
  ])('%j is refused with %i, or not at all', (text, code) => {
    const server = parseServer(4, text)
    expect(typeof server === 'number' ? server : 0).toBe(code)
  })

  it('shares no address with another but what every machine has', () => {
    const one = parsed('10.0.0.1:1:2;10.0.0.2:3')
    for (const other of ['10.0.0.1:4:1;5', 'h:4:5;10.0.0.2:3', '10.0.0.1:2:5;6']) {
      expect(shareAddress(one, parsed(other))).toBe(true)
      expect(shareAddress(parsed(other), one)).toBe(true)
    }
    expect(shareAddress(parsed('zk.example:1:2'), parsed('ZK.example:3:1'))).toBe(true)
    expect(shareAddress(one, parsed('10.0.0.1:3:4;10.0.0.2:5'))).toBe(false)
    for (const every of ['127.0.0.1:1:2;3', '[::1]:1:2;[::]:3', 'localhost:1:2', '0.0.0.0:1:2;0.0.0.0:3']) {
      expect(shareAddress(parsed(every), parsed(every))).toBe(false)
    }
  })
})
