import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { compareVersions, findZooKeepers, versionOf } from '../../../src/testing/real-zookeeper/find.ts'

/** A `java` that says yes to everything: only whether it runs, and what it prints, matters here. */
const JAVA = `#!/bin/sh
case "$*" in *VersionInfoMain*) echo 'Apache ZooKeeper, version 3.6.9 2021-01-01 00:00 UTC' ;; esac
`

let folder: string
let env: Record<string, string>

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kazoo-find-'))
  await mkdir(join(folder, 'java/bin'), { recursive: true })
  await writeFile(join(folder, 'java/bin/java'), JAVA, { mode: 0o755 })
  env = { JAVA_HOME: join(folder, 'java') }
})

afterEach(() => rm(folder, { recursive: true }))

async function jar(path: string): Promise<void> {
  const file = join(folder, path)
  await mkdir(join(file, '..'), { recursive: true })
  await writeFile(file, '')
}

describe('findZooKeepers', () => {
  it('finds nothing without Java', async () => {
    await jar('zk/3.9.5/zookeeper-3.9.5.jar')
    const found = await findZooKeepers({
      env: { JAVA_HOME: join(folder, 'nowhere'), KAZOO_ZOOKEEPERS_DIR: join(folder, 'zk') },
    })
    expect(found).toEqual([])
  })

  it('finds a folder of jars per version, the newest first', async () => {
    await jar('zk/a/zookeeper-3.8.4.jar')
    await jar('zk/b/zookeeper-3.10.0.jar')
    await jar('zk/c/lib/zookeeper-3.9.5.jar') // the layout of Apache's archive
    await jar('zk/d/zookeeper-jute-3.7.0.jar') // not a server
    await jar('zk/readme.txt')
    const found = await findZooKeepers({ env: { ...env, KAZOO_ZOOKEEPERS_DIR: join(folder, 'zk') } })
    expect(found.filter(({ source }) => source === 'KAZOO_ZOOKEEPERS_DIR')).toEqual([
      { version: '3.10.0', classpath: join(folder, 'zk/b/*'), source: 'KAZOO_ZOOKEEPERS_DIR' },
      { version: '3.9.5', classpath: join(folder, 'zk/c/lib/*'), source: 'KAZOO_ZOOKEEPERS_DIR' },
      { version: '3.8.4', classpath: join(folder, 'zk/a/*'), source: 'KAZOO_ZOOKEEPERS_DIR' },
    ])
  })

  it('prefers the given class path to a folder with the same version', async () => {
    await jar('zk/a/zookeeper-3.9.5.jar')
    const classpath = `${join(folder, 'zookeeper-3.9.5.jar')}:${join(folder, 'other.jar')}`
    const found = await findZooKeepers({
      env: { ...env, ZOOKEEPER_CLASSPATH: classpath, KAZOO_ZOOKEEPERS_DIR: join(folder, 'zk') },
    })
    expect(found.filter(({ version }) => version === '3.9.5')).toEqual([
      { version: '3.9.5', classpath, source: 'ZOOKEEPER_CLASSPATH' },
    ])
  })
})

describe('versionOf', () => {
  it('asks ZooKeeper itself when no name tells', async () => {
    expect(await versionOf('/somewhere/zk.jar', { env })).toBe('3.6.9')
  })

  it('is null when there is no ZooKeeper', async () => {
    await writeFile(join(folder, 'java/bin/java'), '#!/bin/sh\nexit 1\n', { mode: 0o755 })
    expect(await versionOf('/somewhere/other.jar', { env })).toBeNull()
  })
})

describe('compareVersions', () => {
  it('compares numbers, not letters', () => {
    expect(['3.9.5', '3.10.0', '3.9', '3.5.10'].toSorted(compareVersions)).toEqual(['3.5.10', '3.9', '3.9.5', '3.10.0'])
  })
})
