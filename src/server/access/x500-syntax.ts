import { derValues } from './der.ts'

/** Types that have a name; others are given by their numbers. */
const names: ReadonlySet<string> = new Set(
  (
    'CN C L S ST O OU T IP STREET DC DNQUALIFIER DNQ SURNAME GIVENNAME INITIALS GENERATION EMAIL EMAILADDRESS UID ' +
    'SERIALNUMBER'
  ).split(' '),
)

/**
 * Whether this is a name of X.500, as `CN=ada,O=example`, to Java's `X500Principal`: that takes RFC 2253 and its
 * forerunner, RFC 1779, with blanks around what is told apart, semicolons for commas, and values in quotes.
 */
export function isX500Name(text: string): boolean {
  if (text === '') return true
  return split(text, ',;').every((part) => split(part, '+').every(isAttribute))
}

/**
 * Cuts at each of the separators that stands outside quotes and behind no backslash, as Java tells: a quote behind a
 * backslash is none, and behind two backslashes all of them count, from the last separator on.
 */
function split(text: string, separators: string): string[] {
  const parts: string[] = []
  let start = 0
  let quotes = 0
  let searched = 0
  let all = 0
  /** Right before. */
  let backslashes = 0
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!
    if (separators.includes(character)) {
      const isEscaped =
        separators === '+' ? at === 0 || backslashes > 0 : (backslashes > 1 ? all : backslashes) % 2 === 1
      if (quotes !== 1 && !isEscaped) {
        parts.push(text.slice(start, at))
        start = at + 1
        quotes = 0
      }
      searched = at + 1
      all = 0
    } else if (character === '"' && (at === searched || backslashes === 0)) quotes++
    backslashes = character === '\\' ? backslashes + 1 : 0
    if (backslashes > 0) all++
  }
  parts.push(text.slice(start))
  return parts
}

/** Whether it is a type and a value. */
function isAttribute(text: string): boolean {
  const equals = text.indexOf('=')
  if (equals === -1 || !isType(trim(text.slice(0, equals)).toUpperCase())) return false
  const value = text.slice(equals + 1).replace(/^[ \n]+/, '')
  if (value === '') return true
  if (value.startsWith('#')) return isHex(value.slice(1))
  return value.startsWith('"') ? quoted.test(value) : plain.test(value)
}

/** Without what Java takes for blanks at either end. */
function trim(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && text[start]! <= ' ') start++
  while (end > start && text[end - 1]! <= ' ') end--
  return text.slice(start, end)
}

function isType(type: string): boolean {
  if (names.has(type)) return true
  const numbers = /^(?:OID\.)?(\d+(?:\.\d+)+)$/.exec(type)?.[1]?.split('.')
  if (numbers === undefined) return false
  // The second shares its place with the first, which leaves it forty numbers where that is 0 or 1.
  const [first, second] = numbers.map(BigInt) as [bigint, bigint]
  return first === 2n || (first < 2n && second < 40n)
}

/**
 * Characters, escaped ones and pairs of hexadecimal digits; then, behind the quotes, blanks at most. Behind a separator
 * that was taken for escaped, and is not, there may be anything.
 */
const quoted = /^"(?:[^"\\]|\\[,=\n+<>#;\\"]|\\[\da-f]{2})*"[ \n]*$/i
const plain = /^(?![,+;])(?:[^,+<>;"\\]|\\[,=\n+<>#;\\" ]|\\[\da-f]{2})*(?:$|[,+;])/i

/** Whether it is one value in DER. */
function isHex(digits: string): boolean {
  return /^(?:[\da-f]{2})+$/i.test(digits) && derValues(Buffer.from(digits, 'hex'))?.length === 1
}
