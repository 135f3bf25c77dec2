/** Milliseconds: no server grants more by default (`maxSessionTimeout`). */
const usual = 60_000

/**
 * How long to wait for a server that granted a session timeout, in milliseconds: as long as that, which may be longer than
 * was asked for (`minSessionTimeout`); but not without end, if it is out of all proportion. The session itself lasts as
 * long as the server says.
 */
export function patience(granted: number, asked: number): number {
  return Math.min(granted, Math.max(usual, asked * 10))
}
