import { commandLength } from './commands/words.ts'

/** Each returns the value, or the standard one where there is none. @throws TypeError or RangeError that names the option */
export function checkNumber(value: unknown, name: string, least: number, standard: number, most = 0x7fff_ffff): number {
  if (value === undefined) return standard
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number`)
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new RangeError(`${name} must be a whole number from ${least} to ${most}, not ${value}`)
  }
  return value
}

/** A time that a timer can take. */
export function checkMilliseconds(value: unknown, name: string): number {
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number`)
  if (!(value >= 0 && value <= longest)) throw new RangeError(`${name} must be from 0 to ${longest} ms, not ${value}`)
  return value
}

/** Node's timers take no longer one. */
const longest = 0x7fff_ffff

/** @throws TypeError that names it */
export function checkObject(value: unknown, name: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw new TypeError(`${name} must be an object`)
  return value as Readonly<Record<string, unknown>>
}

export function checkFlag(value: unknown, name: string, standard: boolean): boolean {
  if (value === undefined) return standard
  if (typeof value !== 'boolean') throw new TypeError(`${name} must be true or false`)
  return value
}

export function checkString(value: unknown, name: string): string | null {
  if (value === undefined) return null
  if (typeof value !== 'string') throw new TypeError(`${name} must be a string`)
  // An empty variable of an environment would otherwise stand for something: all addresses, or the current folder.
  if (value === '') throw new RangeError(`${name} must not be empty`)
  return value
}

/** `user:BASE64(SHA1(user:password))`; the message does not repeat what may be a password. */
export function checkDigest(value: unknown, name: string): string | null {
  const digest = checkString(value, name)
  if (digest !== null && !/^[^:]+:[A-Za-z0-9+/]{27}=$/.test(digest)) {
    throw new RangeError(`${name} must be user:BASE64(SHA1(user:password))`)
  }
  return digest
}

export function checkFunction<T>(value: T | undefined, name: string): T | null {
  if (value === undefined) return null
  if (typeof value !== 'function') throw new TypeError(`${name} must be a function`)
  return value
}

/** Four-letter words; null stands for all. */
export function checkWords(value: unknown, standard: readonly string[] | null): ReadonlySet<string> | null {
  if (value === undefined) return standard === null ? null : new Set(standard)
  if (!Array.isArray(value) || !value.every((word) => typeof word === 'string')) {
    throw new TypeError('fourLetterWords must be an array of words')
  }
  const unknown = value.find((word) => word !== '*' && commandLength(word) === 0)
  if (unknown !== undefined) throw new RangeError(`fourLetterWords: there is no word ${JSON.stringify(unknown)}`)
  return value.includes('*') ? null : new Set(value)
}
