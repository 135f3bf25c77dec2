import type { Runtime } from '../../runtime/runtime.ts'

/** How many files the process has open, and how many it may have. Linux tells; elsewhere both are −1. */
export async function descriptors({ files }: Runtime): Promise<{ readonly open: number; readonly most: number }> {
  const open = await files.list('/proc/self/fd').catch(() => [])
  const limits = await files.readFile('/proc/self/limits').then(String, () => '')
  return { open: open.length || -1, most: Number(/^Max open files +(\d+)/m.exec(limits)?.[1] ?? -1) }
}
