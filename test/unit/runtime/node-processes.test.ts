import { existsSync } from 'node:fs'

import { describe, expect, it } from 'vitest'

import { nodeProcesses } from '../../../src/runtime/node-processes.ts'

describe('processes', () => {
  it('know that this one runs, and that one whose pid it has now does not', async () => {
    const own = await nodeProcesses.own()
    expect(own).toMatch(new RegExp(String.raw`^${process.pid}(-\d+-[0-9a-f]{8})?$`))
    expect(await nodeProcesses.isRunning(own)).toBe(true)
    // Where there is no /proc, the pid is all there is.
    const isKnown = existsSync('/proc/self/stat')
    expect(await nodeProcesses.isRunning(`${process.pid}-1-00000000`)).toBe(!isKnown)
  })

  it('know what is no process', async () => {
    expect(await nodeProcesses.isRunning('garbage')).toBe(false)
    expect(await nodeProcesses.isRunning('')).toBe(false)
    // More than any system gives out.
    expect(await nodeProcesses.isRunning('2147483646-1-00000000')).toBe(false)
  })
})
