/** Milliseconds for what has to come in any case, and comes at once unless something is wrong. */
const patience = 20_000

export function sleep(delay: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, delay))
}

/** Waits for a condition. @throws Error that says what did not come */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  limit = patience,
  interval = 5,
): Promise<void> {
  const deadline = performance.now() + limit
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`in ${limit} ms it did not come: ${what}`)
    await sleep(interval)
  }
}

/** What the promise gives. @throws Error that says what did not come */
export async function within<T>(what: string, promise: Promise<T>, limit = patience): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`in ${limit} ms it did not come: ${what}`)), limit)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
