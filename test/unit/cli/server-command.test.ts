import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

import { afterAll, afterEach, describe, expect, it } from 'vitest'

import { command } from '../../support/four-letter-word.ts'
import { openAcl, RawClient } from '../../support/raw-client.ts'
import { main, removeBuilt } from '../../support/built-cli.ts'

const fixture = (name: string): string => fileURLToPath(new URL(`../../fixtures/tls/${name}.pem`, import.meta.url))
const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

afterAll(removeBuilt)

interface Run {
  readonly child: ChildProcess
  readonly exit: Promise<number | null>
  readonly out: Promise<string>
  readonly err: Promise<string>
}

async function run(...flags: string[]): Promise<Run> {
  const child = spawn(process.execPath, [await main(), 'server', ...flags], { stdio: ['ignore', 'pipe', 'pipe'] })
  children.push(child)
  const exit = once(child, 'exit').then(([code]) => code as number | null)
  return { child, exit, out: text(child.stdout), err: text(child.stderr) }
}

/** Starts it on a free port, and waits for the line that says so. */
async function serve(...flags: string[]): Promise<Run & { readonly port: number; readonly line: string }> {
  const started = await run('--port', '0', ...flags)
  const [chunk] = (await once(started.child.stdout!, 'data')) as [Buffer]
  const line = chunk.toString()
  return { ...started, line, port: Number(/127\.0\.0\.1:(\d+)/.exec(line)?.[1]) }
}

describe('kazoo server', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('prints one line when ready, and ends with 0 on %s', async (signal) => {
    const { child, line, port, exit, out, err } = await serve()
    expect(line).toMatch(/^kazoo server is ready at 127\.0\.0\.1:\d+\n$/)
    await using client = await RawClient.connect({ port })
    expect(await client.request('exists', { path: '/', watch: false })).toMatchObject({ err: 0 })
    child.kill(signal)
    expect(await exit).toBe(0)
    await client.closed
    expect(await out).toBe(line)
    expect(await err).toBe('')
  })

  it('says that the port is in use, and ends with 1', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const { exit, err, out } = await run('--port', String(port))
    expect(await exit).toBe(1)
    expect(await err).toBe(`kazoo server: 127.0.0.1:${port} is in use already\n`)
    expect(await out).toBe('')
    other.close()
  })

  it('is strict on demand', async () => {
    const { port } = await serve('--strict')
    expect(await command(port, 'ruok')).toContain('not in the whitelist')
    await using client = await RawClient.connect({ port })
    const request = { path: '/t', data: null, acl: openAcl, flags: 5, ttl: 10 }
    expect(await client.request('createTtl', request)).toMatchObject({ err: -6 })
  })

  it('takes each option as a flag', async () => {
    const { port } = await serve(
      ...['--tick-time', '100', '--min-session-timeout', '300', '--max-session-timeout', '400', '--no-ttl'],
      ...['--max-client-cnxns', '5', '--four-letter-words', 'conf,ruok', '--sasl-user', 'bob:secret'],
    )
    const conf = await command(port, 'conf')
    for (const line of ['tickTime=100', 'maxClientCnxns=5', 'minSessionTimeout=300', 'maxSessionTimeout=400']) {
      expect(conf).toContain(`${line}\n`)
    }
    expect(await command(port, 'mntr')).toContain('not in the whitelist')
    await using client = await RawClient.connect({ port })
    const acl = [{ perms: 31, id: { scheme: 'sasl', id: 'bob' } }]
    expect(await client.request('create', { path: '/s', data: null, acl, flags: 0 })).toMatchObject({ err: 0 })
    const ttl = { path: '/t', data: null, acl: openAcl, flags: 5, ttl: 10 }
    expect(await client.request('createTtl', ttl)).toMatchObject({ err: -6 })
  })

  it('finds what it kept in a data directory', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kazoo-cli-'))
    const first = await serve('--data-dir', folder)
    expect(await command(first.port, 'conf')).toContain(`dataDir=${folder}/version-2\n`)
    await using writer = await RawClient.connect({ port: first.port })
    const request = { path: '/kept', data: Buffer.from('here'), acl: openAcl, flags: 0 }
    expect(await writer.request('create', request)).toMatchObject({ err: 0 })
    first.child.kill('SIGKILL')
    await first.exit
    const second = await serve('--data-dir', folder)
    await using reader = await RawClient.connect({ port: second.port })
    expect(await reader.request('getData', { path: '/kept', watch: false })).toMatchObject({
      body: { data: Buffer.from('here') },
    })
    second.child.kill('SIGTERM')
    expect(await second.exit).toBe(0)
    await rm(folder, { recursive: true })
  })

  it('prints what goes wrong without a loss while it runs', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kazoo-cli-'))
    const { child, port, exit } = await serve('--data-dir', folder, '--snap-count', '2')
    const printed = once(child.stderr!, 'data')
    // In the way of the snapshot that is due after two transactions.
    await mkdir(join(folder, 'version-2/unfinished.snapshot.2'))
    await using client = await RawClient.connect({ port })
    expect(await client.request('create', { path: '/a', data: null, acl: openAcl, flags: 0 })).toMatchObject({ err: 0 })
    const [line] = (await printed) as [Buffer]
    expect(line.toString()).toMatch(/^kazoo server: .*version-2: no snapshot could be written: .*EISDIR/)
    child.kill('SIGTERM')
    expect(await exit).toBe(0)
    await rm(folder, { recursive: true })
  })

  it.skipIf(process.platform !== 'linux')(
    'says why it cannot make its folder, rather than trying for ever',
    async () => {
      const { exit, err } = await run('--port', '0', '--data-dir', '/proc/nope')
      expect(await exit).toBe(1)
      expect(await err).toMatch(/^kazoo server: ENOENT: .*\/proc\/nope/)
    },
  )

  it('serves TLS', async () => {
    const { line, port } = await serve(
      ...['--tls-cert', fixture('server'), '--tls-key', fixture('server-key'), '--secure-port', '0'],
    )
    const secure = Number(/, TLS at 127\.0\.0\.1:(\d+)\n$/.exec(line)?.[1])
    expect(await command(port, 'ruok')).toBe('imok')
    const tls = { ca: readFileSync(fixture('ca')), servername: 'localhost' }
    expect(await command(secure, 'ruok', tls)).toBe('imok')
  })

  it.each([
    [['--port', 'x'], 'whole number'],
    [['--sasl-user', 'bob'], 'colon'],
    [['--tls-key', 'x'], 'go together'],
    [['--secure-port', '0'], 'needs tls'],
    [['--nonsense'], 'unknown option'],
  ])('refuses %j, and ends with 1', async (flags, message) => {
    const { exit, err, out } = await run(...flags)
    expect(await exit).toBe(1)
    expect(await err).toContain(message)
    expect(await out).toBe('')
  })
})
