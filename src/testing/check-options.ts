import { checkObject } from '../server/option-checks.ts'

/** An object with no other names than these. @throws TypeError that names what is wrong */
export function checkNames(options: unknown, names: ReadonlySet<string>): Readonly<Record<string, unknown>> {
  const given = checkObject(options, 'the options')
  for (const name of Object.keys(given)) {
    if (!names.has(name)) throw new TypeError(`unknown option ${JSON.stringify(name)}`)
  }
  return given
}
