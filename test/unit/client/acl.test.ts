import { describe, expect, it } from 'vitest'

import { makeAcl, makeDigestAcl, makeDigestAclCredential, Permissions } from '../../../src/index.ts'

const untyped = (value: unknown): never => value as never

describe('makeAcl', () => {
  it('makes an entry with the permissions that are set', () => {
    const acl = makeAcl('ip', '10.0.0.1', { read: true, write: false, admin: true })
    expect(acl).toEqual({ perms: Permissions.READ | Permissions.ADMIN, id: { scheme: 'ip', id: '10.0.0.1' } })
    expect(makeAcl('world', 'anyone', { all: true }).perms).toBe(Permissions.ALL)
  })

  it('refuses permissions that do not exist, which would be none', () => {
    for (const flags of [{ reed: true }, { READ: true }, { read: true, wirte: false }]) {
      const name = Object.keys(flags).at(-1)!
      expect(() => makeAcl('world', 'anyone', untyped(flags))).toThrow(new TypeError(`unknown permission "${name}"`))
      expect(() => makeDigestAcl('ann', 'secret', untyped(flags))).toThrow(TypeError)
    }
  })

  it('refuses what is no text', () => {
    expect(() => makeAcl(untyped(undefined), 'anyone')).toThrow(new TypeError('scheme must be a string, not undefined'))
    expect(() => makeAcl('world', untyped(5))).toThrow(new TypeError('credential must be a string, not number'))
  })
})

describe('makeDigestAcl', () => {
  it('makes the entry that the server compares with', () => {
    expect(makeDigestAcl('super', 'test', { all: true })).toEqual({
      perms: Permissions.ALL,
      id: { scheme: 'digest', id: 'super:D/InIHSb7yEEbrWz8b9l71RjZJU=' },
    })
  })

  it('refuses what is no text, instead of the password "undefined"', () => {
    for (const make of [makeDigestAcl, makeDigestAclCredential]) {
      expect(() => make(untyped(undefined), 'secret')).toThrow(
        new TypeError('username must be a string, not undefined'),
      )
      expect(() => make('ann', untyped(undefined))).toThrow(new TypeError('password must be a string, not undefined'))
      expect(() => make('ann', untyped(Buffer.from('secret')))).toThrow(/^password must be a string, not /)
    }
  })
})
