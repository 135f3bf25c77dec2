import { checkNumber, checkString } from '../../server/option-checks.ts'
import { checkNames, checkObject } from '../check-options.ts'

const names: ReadonlySet<string> = new Set(['target', 'host', 'port', 'runtime'])

/** @throws TypeError or RangeError that names the option */
export function checkProxyOptions(options: unknown): void {
  const given = checkNames(options, names)
  checkTarget(given['target'])
  checkString(given['host'], 'host')
  checkNumber(given['port'], 'port', 0, 0, 65_535)
}

/** @throws TypeError or RangeError unless it is `{ host, port }` */
export function checkTarget(target: unknown): void {
  const { host, port } = checkObject(target, 'target')
  if (checkString(host, 'target.host') === null) throw new TypeError('target.host must be a string')
  // 0 stands for a free port where one listens, and for nothing where one connects.
  checkNumber(port, 'target.port', 1, 0, 65_535)
  if (port === undefined) throw new TypeError('target.port must be a number')
}
