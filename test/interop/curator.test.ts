import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { javaCommand, runJava } from '../../src/testing/real-zookeeper/java.ts'
import { EmbeddedEnsemble } from '../../src/server/index.ts'
import { startEmbedded, superDigest } from '../differential/targets.ts'
import { hostsOf, ownZooKeeper, realServers } from '../support/real-servers.ts'
import { runTour, TOUR_TIMEOUT } from './tour.ts'

const program = join(import.meta.dirname, 'CuratorTour.java')

/** The jars of Curator's recipes and of its service discovery, with what they need: those of `curator-pom.xml`. */
const classpath = process.env['CURATOR_CLASSPATH']

const java = javaCommand(process.env)

/** A program in one file is compiled when it is run, which a Java without its compiler cannot. */
const runnable = classpath !== undefined && ((await runJava(java, ['--list-modules'])) ?? '').includes('jdk.compiler@')

const jvmFlags = [`-Dzookeeper.DigestAuthenticationProvider.superDigest=${superDigest}`]
const local = realServers()
  .filter(({ classpath }) => classpath !== null)
  .slice(0, 1)

function tour(hosts: string, ...more: readonly string[]): Promise<string[]> {
  const flags = ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-Dorg.slf4j.simpleLogger.defaultLogLevel=off']
  return runTour(java, [...flags, '-cp', classpath!, program, hosts, ...more])
}

describe.skipIf(!runnable)('Curator (not run without a JDK and CURATOR_CLASSPATH)', () => {
  it('works on the embedded server, with every recipe', { timeout: TOUR_TIMEOUT }, async () => {
    await using server = await startEmbedded()
    const steps = await tour(`127.0.0.1:${server.port}`)
    expect(steps.filter((line) => !line.startsWith('ok '))).toEqual([])
    expect(steps.length).toBeGreaterThan(20)
  })

  it('follows the members of an embedded ensemble, and changes them', { timeout: TOUR_TIMEOUT }, async () => {
    await using ensemble = await new EmbeddedEnsemble({ tickTime: 500, reconfig: true, superDigest }).start()
    expect(await tour(ensemble.hosts, 'ensemble')).toEqual(['ok EnsembleTracker'])
  })

  it.each(local)('follows those of $name alike', { timeout: TOUR_TIMEOUT }, async (of) => {
    await using zookeeper = await ownZooKeeper({ size: 3, jvmFlags }, of).start()
    await zookeeper.waitForLeader()
    expect(await tour(zookeeper.hosts, 'ensemble')).toEqual(['ok EnsembleTracker'])
  })

  // Where this one fails, it is the program that expects too much.
  it.each(
    realServers()
      .slice(0, 1)
      .map(({ name }) => name),
  )('works on %s alike', { timeout: TOUR_TIMEOUT }, async (name) => {
    const steps = await tour(await hostsOf(name))
    expect(steps.filter((line) => !line.startsWith('ok '))).toEqual([])
  })
})
