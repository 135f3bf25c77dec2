/**
 * The data directory cannot be read, or written, without losing what was acknowledged. The message names the file and
 * the place in it, and says what would help.
 */
export class DataDirectoryError extends Error {
  static {
    this.prototype.name = 'DataDirectoryError'
  }

  /** The file or the directory. */
  readonly path: string

  constructor(path: string, message: string, options?: ErrorOptions) {
    super(`${path}: ${message}`, options)
    this.path = path
  }
}
