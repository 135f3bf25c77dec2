/** An object with no other names than these. @throws TypeError that names what is wrong */
export function checkNames(options: unknown, names: ReadonlySet<string>): Readonly<Record<string, unknown>> {
  const given = checkObject(options, 'the options')
  for (const name of Object.keys(given)) {
    if (!names.has(name)) throw new TypeError(`unknown option ${JSON.stringify(name)}`)
  }
  return given
}

/** @throws TypeError that names it */
export function checkObject(value: unknown, name: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw new TypeError(`${name} must be an object`)
  return value as Readonly<Record<string, unknown>>
}
