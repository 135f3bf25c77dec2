import { expect, it } from 'vitest'

import { parseProperties, parseWhole, splitAt, splitTrimmed } from '../../../../src/server/reconfig/java-text.ts'

it.each([
  ['a;b', ['a', 'b']],
  ['a;;', ['a']],
  [';a', ['', 'a']],
  ['a;;b;', ['a', '', 'b']],
  ['', ['']],
  [';', []],
  [';;', []],
])('splits %j as Java does', (text, parts) => {
  expect(splitAt(text, ';')).toEqual(parts)
})

it('splits without blanks, and without what is blank', () => {
  expect(splitTrimmed(' a , ,b,', ',')).toEqual(['a', 'b'])
  expect(splitTrimmed('', ',')).toEqual([])
})

it.each<[string, 10 | 16, number | null]>([
  ['12', 10, 12],
  ['+3', 10, 3],
  ['-3', 10, -3],
  ['010', 10, 10],
  ['1f', 16, 31],
  ['1f', 10, null],
  ['', 10, null],
  [' 1', 10, null],
  ['1.5', 10, null],
  ['0x1', 16, null],
  ['99999999999999999999', 10, null],
])('reads %j to the base %i as %j', (text, radix, value) => {
  expect(parseWhole(text, radix)).toBe(value)
})

it.each<[string, Record<string, string>]>([
  ['a=b', { a: 'b' }],
  ['a : b', { a: 'b' }],
  ['a b=c', { a: 'b=c' }],
  ['  a=b  ', { a: 'b  ' }],
  ['a', { a: '' }],
  ['a=1\na=2', { a: '2' }],
  ['# a=b\r\n! c=d\r\n\r\n e=f', { e: 'f' }],
  ['a=b\\\n  c', { a: 'bc' }],
  ['a=b\\\\\nc=d', { a: 'b\\', c: 'd' }],
  ['a\\=b=c\\tx', { 'a=b': 'c\tx' }],
  ['a=b\\', { a: 'b' }],
  ['', {}],
])('reads the properties %j', (text, entries) => {
  expect(Object.fromEntries(parseProperties(text))).toEqual(entries)
})
