// @ts-check
/** What the tour needs beside the client: numbered steps that say what happened, and fail when it was something else. */

let number = 0

/**
 * @param {string} title
 * @param {() => Promise<void>} run
 */
export async function step(title, run) {
  number++
  console.log(`\n${String(number).padStart(2)}. ${title}`)
  try {
    await run()
  } catch (error) {
    throw new Error(`step ${number}, "${title}", failed`, { cause: error })
  }
}

/** @param {string} text */
export function say(text) {
  console.log(`    ${text}`)
}

/**
 * Says what holds, and fails if it does not.
 *
 * @param {boolean} holds
 * @param {string} text
 */
export function expect(holds, text) {
  if (!holds) throw new Error(`not as expected: ${text}`)
  say(text)
}

/**
 * The error of that class that a promise rejects with; anything else is a failure.
 *
 * @template {Error} E
 * @param {Promise<unknown>} promise
 * @param {new (...args: never[]) => E} type
 * @returns {Promise<E>}
 */
export async function rejection(promise, type) {
  try {
    await promise
  } catch (error) {
    if (error instanceof type) return error
    throw error
  }
  throw new Error(`expected ${type.name}, but it succeeded`)
}

/** How long the tour waits for something that should happen at once: milliseconds. */
const patience = 10_000

/**
 * Takes texts from a callback, and gives them to one who awaits `next()`, in order.
 *
 * @returns {{ put: (text: string) => void, next: () => Promise<string> }}
 */
export function mailbox() {
  /** @type {string[]} */
  const texts = []
  /** @type {((text: string) => void) | undefined} */
  let waiting
  return {
    put: (text) => {
      if (waiting === undefined) texts.push(text)
      else waiting(text)
    },
    next: () => {
      const text = texts.shift()
      if (text !== undefined) return Promise.resolve(text)
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting = undefined
          reject(new Error(`nothing came within ${patience} ms`))
        }, patience)
        waiting = (late) => {
          clearTimeout(timer)
          waiting = undefined
          resolve(late)
        }
      })
    },
  }
}

/**
 * What went wrong, and what was behind it, without the stacks.
 *
 * @param {unknown} error
 * @returns {string}
 */
export function explain(error) {
  if (!(error instanceof Error)) return String(error)
  const own = error.name === 'Error' ? error.message : `${error.name}: ${error.message}`
  return error.cause === undefined ? own : `${own}\n  because ${explain(error.cause)}`
}
