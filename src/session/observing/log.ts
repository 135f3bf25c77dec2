/** Told of what happens; does not throw. `details` holds no secret. */
export type Log = (level: 'debug' | 'info' | 'warn' | 'error', details: object, message: string) => void
