import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import {
  addChroot,
  baseName,
  checkPath,
  childPath,
  isValidPath,
  parentPath,
  removeChroot,
} from '../../../src/common/paths.ts'

/** ZooKeeper's rules, told in another way: by components and by a set of characters. */
function oracle(path: string): boolean {
  if (path === '/') return true
  // oxlint-disable-next-line no-control-regex -- these are the characters that the server refuses
  if (/[\u0000-\u001f\u007f-\u009f\ud800-\uf8ff\ufff0-\uffff]/.test(path)) return false
  const [first, ...components] = path.split('/')
  return first === '' && components.length > 0 && components.every((part) => !['', '.', '..'].includes(part))
}

const unit = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('/', '.', 'a', 'é', ' ', '-') },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(0x1f, 0x20, 0x7e, 0x7f, 0x9f, 0xa0, 0xd7ff, 0xd800, 0xf8ff, 0xf900, 0xffef, 0xfff0)
      .map((code) => String.fromCharCode(code)),
  },
)
const anyText = fc.array(unit, { maxLength: 12 }).map((units) => units.join(''))
const component = fc.stringMatching(/^[a-z0-9._ -]{1,6}$/).filter((name) => name !== '.' && name !== '..')
const components = fc.array(component, { minLength: 1, maxLength: 5 })
const path = components.map((names) => `/${names.join('/')}`)

const refusal = (value: unknown, name?: string, sequential?: boolean): unknown => {
  try {
    checkPath(value, name, sequential)
    return undefined
  } catch (error) {
    return error
  }
}

describe('checkPath', () => {
  it.each(['/', '/a', '/a/b', '/a.b', '/...', '/.a', '/a..', '/ ', '/a b', '/ü/日本', '/\ufeff', '/\uffef'])(
    'takes %j',
    (text) => {
      expect(refusal(text)).toBeUndefined()
      expect(isValidPath(text)).toBe(true)
    },
  )

  it.each([
    ['', 'path must not be empty: ""'],
    ['a', 'path must start with "/": "a"'],
    ['a/b', 'path must start with "/": "a/b"'],
    ['//', 'path must not have an empty component'],
    ['/a/', 'path must not end with "/": "/a/"'],
    ['/a//b', 'path must not have an empty component: "/a//b"'],
    ['/a//', 'path must not have an empty component'],
    ['/.', 'path must not have a component "." or ".."'],
    ['/..', 'path must not have a component "." or ".."'],
    ['/a/./b', 'path must not have a component "." or ".."'],
    ['/a/../b', 'path must not have a component "." or ".."'],
    ['/a\u0000', 'path must not contain the character U+0000'],
    ['/a\nb', 'path must not contain the character U+000A'],
    ['/a\u007f', 'path must not contain the character U+007F'],
    ['/\u{1f600}', 'path must not contain the character U+D83D'],
    ['/\ue000', 'path must not contain the character U+E000'],
    ['/\uffff', 'path must not contain the character U+FFFF'],
  ])('refuses %j with a RangeError that says why', (text, message) => {
    const error = refusal(text)
    expect(error).toBeInstanceOf(RangeError)
    expect((error as Error).message).toContain(message)
    expect(isValidPath(text)).toBe(false)
  })

  it.each([
    [undefined, 'path must be a string, not undefined'],
    [null, 'path must be a string, not null'],
    [7, 'path must be a string, not number'],
    [['/a'], 'path must be a string, not an array'],
    [{}, 'path must be a string, not an object'],
  ])('refuses %j with a TypeError', (value, message) => {
    const error = refusal(value)
    expect(error).toBeInstanceOf(TypeError)
    expect((error as Error).message).toBe(message)
  })

  it('names the argument', () => {
    expect((refusal('x', 'root') as Error).message).toContain('root must start')
    expect((refusal(1, 'root') as Error).message).toContain('root must be a string')
  })

  it('lets a sequential create end in a slash, and no more than one', () => {
    expect(refusal('/a/', 'path', true)).toBeUndefined()
    expect(refusal('/', 'path', true)).toBeUndefined()
    expect(refusal('/a//', 'path', true)).toBeInstanceOf(RangeError)
    expect(refusal('//', 'path', true)).toBeInstanceOf(RangeError)
    expect(refusal('/../', 'path', true)).toBeInstanceOf(RangeError)
  })

  it('agrees with the rules on any text', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(isValidPath(text)).toBe(oracle(text))
        expect(refusal(text) === undefined).toBe(oracle(text))
      }),
      { numRuns: 3_000 },
    )
  })

  it('agrees with the rules on every single character', () => {
    for (let code = 0; code <= 0xffff; code++) {
      const text = `/a${String.fromCharCode(code)}b`
      if (isValidPath(text) !== oracle(text)) throw new Error(`it disagrees on U+${code.toString(16)}`)
    }
  })
})

describe('the arithmetic of paths', () => {
  it('takes a path apart', () => {
    expect(parentPath('/')).toBe('/')
    expect(parentPath('/a')).toBe('/')
    expect(parentPath('/a/b')).toBe('/a')
    expect(baseName('/')).toBe('')
    expect(baseName('/a/b')).toBe('b')
    expect(childPath('/', 'a')).toBe('/a')
    expect(childPath('/a', 'b')).toBe('/a/b')
  })

  it('puts parent and name together to what they were taken from', () => {
    fc.assert(
      fc.property(components, (names) => {
        const text = `/${names.join('/')}`
        expect(baseName(text)).toBe(names.at(-1))
        expect(parentPath(text)).toBe(`/${names.slice(0, -1).join('/')}`)
        expect(childPath(parentPath(text), baseName(text))).toBe(text)
      }),
    )
  })
})

describe('the chroot', () => {
  it('is put before a path and taken away again', () => {
    expect(addChroot('', '/a')).toBe('/a')
    expect(addChroot('/app', '/a')).toBe('/app/a')
    expect(addChroot('/app', '/')).toBe('/app')
    expect(removeChroot('/app', '/app')).toBe('/')
    expect(removeChroot('/app', '/app/a')).toBe('/a')
    expect(removeChroot('', '/a')).toBe('/a')
  })

  it('stays on a path that is not under it', () => {
    expect(removeChroot('/app', '/zookeeper/config')).toBe('/zookeeper/config')
    expect(removeChroot('/app', '/apple/a')).toBe('/apple/a')
  })

  it('gives back any path it was added to, as a path that is valid on the server', () => {
    fc.assert(
      fc.property(fc.oneof(fc.constant(''), path), fc.oneof(fc.constant('/'), path), (chroot, text) => {
        const onServer = addChroot(chroot, text)
        expect(removeChroot(chroot, onServer)).toBe(text)
        expect(isValidPath(onServer)).toBe(true)
      }),
    )
  })
})
