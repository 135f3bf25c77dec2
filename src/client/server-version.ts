import { ZooKeeperError } from '../common/errors.ts'

/** A release of ZooKeeper: `[3, 9, 5]`. */
export type ServerVersion = readonly [major: number, minor: number, patch: number]

/** Reads the answer to `srvr`. @throws ZooKeeperError if it does not tell */
export function parseVersion(srvr: string): ServerVersion {
  const version = /version: (\d+)\.(\d+)\.(\d+)/i.exec(srvr)
  if (version === null) throw new ZooKeeperError('the server does not tell its version', { op: 'serverVersion' })
  return [Number(version[1]), Number(version[2]), Number(version[3])]
}

/** Whether a server of this version has what came with the release `since`. */
export function isAtLeast(version: ServerVersion, since: string): boolean {
  for (const [index, text] of since.split('.').entries()) {
    const difference = version[index]! - Number(text)
    if (difference !== 0) return difference > 0
  }
  return true
}
