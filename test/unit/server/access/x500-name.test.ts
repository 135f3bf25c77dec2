import { X509Certificate } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { JsonNameParams } from '@peculiar/x509'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { subjectName } from '../../../../src/server/access/x500-name.ts'
import { isX500Name } from '../../../../src/server/access/x500-syntax.ts'
import { Authority } from '../../../support/certificates.ts'

let folder: string
let authority: Authority

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kazoo-x500-'))
  authority = await Authority.make(folder)
})

afterAll(() => rm(folder, { recursive: true, force: true }))

// What Java 17 says to each; test/exchange/x509.test.ts asks a real server.
const subjects: [name: string, subject: JsonNameParams][] = [
  ['CN=ada,O=example', [{ O: [{ utf8String: 'example' }] }, { CN: [{ utf8String: 'ada' }] }]],
  ['STREET=S 1,ST=By,L=Mu,C=DE', [{ C: ['DE'] }, { L: ['Mu'] }, { ST: ['By'] }, { '2.5.4.9': ['S 1'] }]],
  ['UID=u1,DC=ex,DC=com', [{ DC: ['com'] }, { DC: ['ex'] }, { '0.9.2342.19200300.100.1.1': ['u1'] }]],
  [
    'CN=carl,1.2.840.113549.1.9.1=#16056140622e63',
    [{ '1.2.840.113549.1.9.1': [{ ia5String: 'a@b.c' }] }, { CN: [{ utf8String: 'carl' }] }],
  ],
  [
    '2.5.4.4=#0c03737572,2.5.4.5=#13023132',
    [{ '2.5.4.5': [{ printableString: '12' }] }, { SN: [{ utf8String: 'sur' }] }],
  ],
  ['CN=dora+UID=77', [{ CN: [{ utf8String: 'dora' }], '0.9.2342.19200300.100.1.1': [{ utf8String: '77' }] }]],
  ['CN=Jürgen \\"q\\" \\<x\\>\\; \\#y\\=\\+\\,\\\\', [{ CN: [{ utf8String: 'Jürgen "q" <x>; #y=+,\\' }] }]],
  ['CN=\\ \\ two and one\\ ', [{ CN: [{ utf8String: '  two and one ' }] }]],
  ['CN=\\ \\ ', [{ CN: [{ utf8String: '  ' }] }]],
  ['CN=a\\00b', [{ CN: [{ utf8String: 'a\0b' }] }]],
  ['CN=\\00b', [{ CN: [{ bmpString: 'b' }] }]],
  ['CN=#1c0400000062', [{ CN: [{ universalString: 'b' }] }]],
]

it.each(subjects)('names the subject of a certificate as Java does: %s', async (name, subject) => {
  const { cert } = await authority.sign('subject', [], subject)
  expect(subjectName(new X509Certificate(cert).raw)).toBe(name)
})

it('knows no certificate in bytes that are none', async () => {
  const { cert } = await authority.sign('cut')
  const bytes = new X509Certificate(cert).raw
  for (const size of [0, 1, 2, 40, bytes.length - 1]) expect(subjectName(bytes.subarray(0, size))).toBeNull()
})

// The answers of Java 17: `new X500Principal(text)`.
it.each([
  '',
  'CN=a',
  'CN=',
  '1.2.3=x',
  '1.2.3=#0401aa',
  'OID.1.2.3=x',
  'CN=a;O=b',
  ' cn = a , o= b',
  'EMAILADDRESS=a@b',
  'CN="a,b"',
  'CN="a" \n',
  'CN=a\\,b',
  'CN=a\\20',
  'C=toolong',
  'T=x+S=y',
  'CN=a=b',
  'CN=a04#\\ \\\\,b',
])('takes %j for a name', (text) => {
  expect(isX500Name(text)).toBe(true)
})

it.each([
  'CN',
  'foo=bar',
  'CN=a,garbage',
  'CN=a+',
  'CN=a,',
  '=a',
  'CN="a',
  'CN="a"b',
  'CN=a\\',
  'CN=a\\z',
  'CN=a<b',
  'CN=a"b',
  ',',
  '  ',
  '1=x',
  '3.1=x',
  '1.40=x',
  '1.2.=x',
  'CN=#',
  'CN=#0',
  'CN=#04',
  'CN=#04010203',
  '+CN=a',
  'CN=\\1',
])('takes %j for none', (text) => {
  expect(isX500Name(text)).toBe(false)
})
