/**
 * ZooKeeper's path rules and the arithmetic of paths under a chroot.
 *
 * A path starts with `/`, does not end with one, has no empty, `.` or `..` component, and no character that ZooKeeper
 * refuses: U+0000–001F, 007F–009F, D800–F8FF, FFF0–FFFF (UTF-16 units, so nothing outside the BMP).
 */

const slash = 0x2f
const dot = 0x2e

/**
 * Checks a path.
 *
 * @param name - how the error names the argument
 * @param sequential - a sequential create may end in `/`: the server appends the counter
 * @throws TypeError if it is not a string, RangeError if it is not a ZooKeeper path
 */
export function checkPath(path: unknown, name = 'path', sequential = false): asserts path is string {
  if (typeof path !== 'string') throw new TypeError(`${name} must be a string, not ${describeType(path)}`)
  const problem = findProblem(path, sequential)
  if (problem !== null) throw new RangeError(`${name} ${problem}: ${JSON.stringify(path)}`)
}

/** Whether a path is one that ZooKeeper takes for a znode. */
export function isValidPath(path: string): boolean {
  return findProblem(path, false) === null
}

function findProblem(path: string, sequential: boolean): string | null {
  const length = path.length
  if (length === 0) return 'must not be empty'
  if (path.charCodeAt(0) !== slash) return 'must start with "/"'
  if (length === 1) return null
  let start = 1
  // One past the end counts as a slash, which closes the last component.
  for (let i = 1; i <= length; i++) {
    const unit = i === length ? slash : path.charCodeAt(i)
    if (unit === slash) {
      const size = i - start
      if (size === 0) {
        if (i < length) return 'must not have an empty component'
        return sequential ? null : 'must not end with "/"'
      }
      if (path.charCodeAt(start) === dot && (size === 1 || (size === 2 && path.charCodeAt(start + 1) === dot))) {
        return 'must not have a component "." or ".."'
      }
      start = i + 1
    } else if (isRefused(unit)) {
      return `must not contain the character U+${unit.toString(16).toUpperCase().padStart(4, '0')}`
    }
  }
  return null
}

function isRefused(unit: number): boolean {
  if (unit >= 0x20 && unit < 0x7f) return false
  return unit <= 0x1f || (unit >= 0x7f && unit <= 0x9f) || (unit >= 0xd800 && unit <= 0xf8ff) || unit >= 0xfff0
}

export function describeType(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' ? 'an object' : typeof value
}

/** The caller's path as the server sees it. `chroot` is `''` or a path. */
export function addChroot(chroot: string, path: string): string {
  if (chroot === '') return path
  return path === '/' ? chroot : chroot + path
}

/** The server's path as the caller sees it. A path outside the chroot (`/zookeeper/config`) is left as it is. */
export function removeChroot(chroot: string, path: string): string {
  if (chroot === '') return path
  if (path === chroot) return '/'
  return path.startsWith(`${chroot}/`) ? path.slice(chroot.length) : path
}

/** The parent of a checked path; `/` is its own. */
export function parentPath(path: string): string {
  const last = path.lastIndexOf('/')
  return last <= 0 ? '/' : path.slice(0, last)
}

/** The last component of a checked path; `''` for `/`. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** A child of a checked path. */
export function childPath(parent: string, name: string): string {
  return parent === '/' ? `/${name}` : `${parent}/${name}`
}
