import { readFile } from 'node:fs/promises'

import type { Processes } from './runtime.ts'

/**
 * A pid alone may belong to another process by now, in a container nearly always: on Linux the id has when the process was
 * started as well, in ticks since the machine's boot, and which boot that was.
 */
export const nodeProcesses: Processes = {
  own: async () => (await describe(process.pid))?.id ?? `${process.pid}`,
  isRunning: async (id) => {
    const pid = Number.parseInt(id, 10)
    if (!exists(pid)) return false
    const found = await describe(pid)
    // What cannot be looked at is taken to be the one.
    return found === null || (found.id === id && found.runs)
  },
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // It is there, and somebody else's.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Null where there is no `/proc` that says it. */
async function describe(pid: number): Promise<{ readonly id: string; readonly runs: boolean } | null> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1')
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'latin1')
    // What is in front of the last parenthesis may hold anything: it has the program's name.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const [state, started] = [fields[0], fields[19]]
    if (started === undefined) return null
    // One that nobody has waited for (Z) is still listed.
    return { id: `${pid}-${started}-${boot.slice(0, 8)}`, runs: state !== 'Z' && state !== 'X' }
  } catch {
    return null
  }
}
