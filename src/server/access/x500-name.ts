import { derValues, oidOf, type DerValue } from './der.ts'

/** The types that Java calls by name in RFC 2253; others go by their numbers. */
const names: ReadonlyMap<string, string> = new Map([
  ['2.5.4.3', 'CN'],
  ['2.5.4.6', 'C'],
  ['2.5.4.7', 'L'],
  ['2.5.4.8', 'ST'],
  ['2.5.4.9', 'STREET'],
  ['2.5.4.10', 'O'],
  ['2.5.4.11', 'OU'],
  ['0.9.2342.19200300.100.1.1', 'UID'],
  ['0.9.2342.19200300.100.1.25', 'DC'],
])

/** UTF8String, PrintableString, T61String, IA5String, GeneralString, BMPString: all of them are read as UTF-8. */
const strings: ReadonlySet<number> = new Set([0x0c, 0x13, 0x14, 0x16, 0x1b, 0x1e])

/** The version of a certificate, which the first one does not have. */
const version = 0xa0

/**
 * Whom a certificate in DER is of, to the byte as Java's `X500Principal.getName()` has it: that is the id in `x509` ACLs.
 * Null for what is no certificate.
 */
export function subjectName(certificate: Uint8Array): string | null {
  const fields = valuesIn(valuesIn(derValues(certificate)?.[0])?.[0])
  if (fields === null) return null
  const from = fields[0]?.tag === version ? 1 : 0
  // Serial number, algorithm, issuer, validity, subject.
  const parts = valuesIn(fields[from + 4])?.map(partOf)
  // The most specific part comes first.
  return parts === undefined || parts.includes(null) ? null : parts.toReversed().join(',')
}

function valuesIn(value: DerValue | undefined): DerValue[] | null {
  return value === undefined ? null : derValues(value.content)
}

/** `CN=ada`, or `CN=ada+UID=77` for a part of several attributes. */
function partOf(part: DerValue): string | null {
  const attributes = valuesIn(part)?.map(attributeOf)
  return attributes === undefined || attributes.includes(null) ? null : attributes.join('+')
}

function attributeOf(attribute: DerValue): string | null {
  const [type, value] = valuesIn(attribute) ?? []
  if (type === undefined || value === undefined) return null
  const oid = oidOf(type.content)
  const name = names.get(oid)
  if (name === undefined || !strings.has(value.tag)) {
    return `${name ?? oid}=#${Buffer.from(value.whole).toString('hex')}`
  }
  return `${name}=${escape(Buffer.from(value.content).toString('utf8'))}`
}

/** Java escapes more than it has to: each `=` and each `#`, and a carriage return at either end. */
function escape(text: string): string {
  const escaped = text.replaceAll(/[,=+<>#;"\\]/g, '\\$&').replaceAll('\0', '\\00')
  const inner = escaped.replace(/^[ \r]+/, '')
  const lead = escaped.length - inner.length
  let end = escaped.length
  while (end > lead && ' \r'.includes(escaped[end - 1]!)) end--
  const blanks = (from: number, to: number): string => escaped.slice(from, to).replaceAll(/[ \r]/g, '\\$&')
  return blanks(0, lead) + escaped.slice(lead, end) + blanks(end, escaped.length)
}
