import type { KazooClient } from '../../src/index.ts'

/** Resolves when a znode that is there is so no more. */
export async function deleted(zk: KazooClient, path: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    zk.exists(path, { watch: () => resolve() }).then((stat) => {
      if (stat === null) reject(new Error(`there is no ${path}`))
    }, reject)
  })
}
