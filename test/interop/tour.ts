import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** The longest that one may take, in ms; a test of one takes a little longer. */
const LIMIT = 150_000

export const TOUR_TIMEOUT = LIMIT + 30_000

/**
 * Runs a program that takes one step after the other, in another language, and gives the lines it printed: `ok NAME` for
 * each step, and what went wrong before `failed NAME`.
 */
export async function runTour(command: string, args: readonly string[]): Promise<string[]> {
  const options = { timeout: LIMIT, env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' } }
  const { stdout } = await promisify(execFile)(command, [...args], options).catch(
    (error: { stdout?: string; message: string }) => ({ stdout: `${error.stdout}${error.message}` }),
  )
  return stdout.trimEnd().split('\n')
}
