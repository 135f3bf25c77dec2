// @ts-check
/**
 * Makes `count` calls with `window` of them under way at any time, each awaited, as a program with that many concurrent
 * users does.
 *
 * @param {number} count
 * @param {number} window
 * @param {(index: number) => Promise<unknown>} call
 */
export async function pipeline(count, window, call) {
  let next = 0
  const user = async () => {
    while (next < count) await call(next++)
  }
  await Promise.all(Array.from({ length: Math.min(window, count) }, user))
}
