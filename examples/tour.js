// @ts-check
/**
 * Kazoo's basic tour, from connecting to transactions, against an embedded server or a ZooKeeper of yours.
 *
 *   npm start                                  on a server that it starts itself
 *   npm start -- --hosts h1:2181,h2:2181       on a real ensemble
 *
 * Everything happens below one znode that the tour makes for itself, and that is gone when it ends.
 */
import { randomUUID } from 'node:crypto'
import { parseArgs } from 'node:util'

import {
  BadVersionError,
  ChildrenWatch,
  DataWatch,
  ForceRetryError,
  KazooClient,
  KazooRetry,
  makeDigestAcl,
  NoAuthError,
  NoNodeError,
  OperationTimeoutError,
  RetryFailedError,
  TransactionError,
} from 'kazoo-ts'

import { expect, explain, mailbox, rejection, say, step } from './tour-tools.js'

const usage = `Kazoo's basic tour.

Usage: npm start -- [options]
  --hosts h1:2181,h2:2181[/chroot]   a ZooKeeper to run it on; without it an embedded server is started
  --help                             this text`

/** @param {string} hosts */
async function tour(hosts) {
  const base = `/kazoo-tour-${randomUUID().slice(0, 8)}`
  const zk = new KazooClient({ hosts, sessionTimeout: 10_000 })
  /** @type {string[]} */
  const states = []
  zk.addListener((state) => void states.push(state))
  // Without a session the step under way fails, and what was made is cleaned up.
  const interrupt = () => void zk.stop()
  process.once('SIGINT', interrupt)
  let left = false

  try {
    await step('Connect, and listen to the state', async () => {
      say(`before start(): ${zk.state}`)
      await zk.start({ timeout: 15_000 })
      expect(states.join() === 'CONNECTED', `the listener heard: ${states.join()}`)
      say(`session 0x${zk.session?.id.toString(16)}, timeout ${zk.session?.timeout} ms`)
      // Under a chroot, it has to be there before anything else.
      await zk.ensurePath('/')
    })

    await step('Ask the server: serverVersion, command', async () => {
      say(`version ${(await zk.serverVersion()).join('.')}`)
      const answer = await zk.command('srvr')
      say(`srvr: ${answer.split('\n').find((line) => line.startsWith('Mode')) ?? 'no mode'}`)
    })

    await step('ensurePath and create', async () => {
      left = true
      say(`ensurePath gives ${await zk.ensurePath(`${base}/my/favorite`)}`)
      say(`create gives ${await zk.create(`${base}/my/favorite/node`, 'a value')}`)
      const deep = await zk.create(`${base}/made/with/parents`, '', { makePath: true, includeStat: true })
      say(`with its parents, and its Stat: ${deep.path}, version ${deep.stat.version}`)
    })

    await step('exists, get, getChildren', async () => {
      say(`exists: version ${(await zk.exists(`${base}/my/favorite`))?.version}`)
      expect((await zk.exists(`${base}/nowhere`)) === null, 'exists is null where there is nothing')
      const { data, stat } = await zk.get(`${base}/my/favorite/node`)
      expect(
        data.toString() === 'a value',
        `get: "${data.toString()}", ${stat.dataLength} bytes, version ${stat.version}`,
      )
      say(`getChildren: ${list(await zk.getChildren(`${base}/my/favorite`))}`)
      const { children, stat: parent } = await zk.getChildren(base, { includeStat: true })
      expect(children.length === parent.numChildren, `with includeStat: ${list(children)}, cversion ${parent.cversion}`)
      const missing = await rejection(zk.get(`${base}/nowhere`), NoNodeError)
      say(`get of what is not there: ${missing.name} ${missing.code}, "${missing.message}"`)
    })

    await step('set, if the version is right', async () => {
      const path = `${base}/my/favorite/node`
      const { stat } = await zk.get(path)
      const after = await zk.set(path, 'some data', { version: stat.version })
      expect(after.version === stat.version + 1, `set with version ${stat.version} gives version ${after.version}`)
      const stale = await rejection(zk.set(path, 'too late', { version: stat.version }), BadVersionError)
      say(`set with version ${stat.version} again: ${stale.name}`)
    })

    await step('One-time watches', async () => {
      const path = `${base}/watched`
      const { put, next } = mailbox()
      /** @param {import('kazoo-ts').WatchedEvent} event */
      const watch = (event) => put(`${event.type} ${event.path.slice(base.length)}`)
      await zk.exists(path, { watch })
      await zk.create(path, 'one')
      say(`exists: ${await next()}`)
      await zk.get(path, { watch })
      await zk.set(path, 'two')
      await zk.set(path, 'three')
      say(`get: ${await next()}; the second change goes unseen`)
      await zk.getChildren(path, { watch })
      await zk.create(`${path}/child`)
      say(`getChildren: ${await next()}`)
    })

    await step('DataWatch: a function that hears of every change', async () => {
      const path = `${base}/config`
      const { put, next } = mailbox()
      const watch = await new DataWatch(zk, path, (data, stat) => {
        put(data === null ? 'missing' : `"${data.toString()}" (version ${stat?.version})`)
        return data?.toString() !== 'enough'
      }).start()
      say(`at first: ${await next()}`)
      await zk.create(path, 'v1')
      say(`created: ${await next()}`)
      await zk.delete(path)
      say(`deleted: ${await next()}`)
      await zk.create(path, 'enough')
      say(`made again: ${await next()}`)
      say(`it returned false, so the watch ended: ${(await watch.closed).reason}`)
    })

    await step('DataWatch: an async iterator of the latest value', async () => {
      const path = `${base}/config`
      const writes = Promise.all(['v1', 'v2', 'v3'].map((value) => zk.set(path, value)))
      const seen = []
      for await (const { data } of await new DataWatch(zk, path).start()) {
        seen.push(data?.toString())
        if (seen.at(-1) === 'v3') break
      }
      await writes
      say(`three writes at once, seen: ${seen.join(', ')}: never a backlog, always the last one`)
    })

    await step('ChildrenWatch: a function, and an async iterator', async () => {
      const path = `${base}/members`
      await zk.ensurePath(path)
      const { put, next } = mailbox()
      const watch = await new ChildrenWatch(zk, path, (children) => put(list(children))).start()
      say(`at first: ${await next()}`)
      await zk.create(`${path}/ada`)
      say(`one joined: ${await next()}`)
      await watch.stop()
      for await (const children of await new ChildrenWatch(zk, path).start()) {
        say(`the iterator: ${list(children)}`)
        if (children?.length === 2) break
        await zk.create(`${path}/grace`)
      }
    })

    await step('Sequential and ephemeral znodes', async () => {
      await zk.ensurePath(`${base}/queue`)
      const jobs = ['first', 'second'].map((job) => zk.create(`${base}/queue/job-`, job, { sequence: true }))
      say(
        `two jobs, numbered in the order of the calls: ${list((await Promise.all(jobs)).map((path) => baseName(path)))}`,
      )
      const safe = await zk.create(`${base}/queue/job-`, 'third', { sequence: true, protect: true })
      say(`with protect, its name is its own: ${baseName(safe).replace(/_c_[^_]+-job/, '_c_<uuid>-job')}`)

      const other = await new KazooClient({ hosts: under(hosts, base) }).start()
      const { put, next } = mailbox()
      try {
        await other.create('/alive', 'as long as I am', { ephemeral: true })
        say(
          `a second client, under the chroot ${base}, made /alive; its children there: ${list(await other.getChildren('/'))}`,
        )
        // Our server may lag behind the other client's; after a sync it has all that came before.
        await zk.sync(`${base}/alive`)
        await zk.exists(`${base}/alive`, { watch: (event) => put(event.type) })
      } finally {
        await other.stop()
      }
      say(`it stopped, and its ephemeral: ${await next()}`)
    })

    await step('Transactions: all of it, or nothing', async () => {
      const [checked, path, stat, deleted] = await zk
        .transaction()
        .check(`${base}/my/favorite/node`, 1)
        .create(`${base}/batch`, 'in one go')
        .set(`${base}/my/favorite/node`, 'changed')
        .delete(`${base}/watched/child`)
        .commit()
      say(`committed: ${checked}, ${path}, version ${stat.version}, ${deleted}`)
      const failing = zk.transaction().create(`${base}/not-made`).check(`${base}/batch`, 99).delete(`${base}/batch`)
      const failure = await rejection(failing.commit(), TransactionError)
      say(`failed at operation ${failure.index}: ${failure.results.map((result) => result.name).join(', ')}`)
      expect((await zk.exists(`${base}/not-made`)) === null, 'nothing of it was applied')
    })

    await step('Retry, by KazooRetry and by the client', async () => {
      let calls = 0
      const value = await new KazooRetry({ maxTries: 3, delay: 10 }).run(() => {
        calls++
        if (calls < 3) throw new ForceRetryError('not yet')
        return 'done'
      })
      say(`KazooRetry: ${value} after ${calls} calls`)
      const hopeless = new KazooRetry({ maxTries: 2, delay: 10 }).run(() => {
        throw new ForceRetryError('never')
      })
      const failure = await rejection(hopeless, RetryFailedError)
      say(`one that never succeeds: ${failure.name}, "${failure.message}"`)
      const { data } = await zk.retry(() => zk.get(`${base}/batch`))
      say(`zk.retry: "${data.toString()}", and it would have waited for a lost connection`)
    })

    await step('Giving up: signal and timeout', async () => {
      const stop = new AbortController()
      const answer = zk.get(base, { signal: stop.signal }).catch((error) => error)
      stop.abort(new Error('changed my mind'))
      expect(
        (await answer) === stop.signal.reason,
        `an aborted call rejects with the reason: "${(await answer).message}"`,
      )
      const nobody = new KazooClient({ hosts: '127.0.0.1:1' })
      const late = await rejection(nobody.start({ timeout: 50 }), OperationTimeoutError)
      say(`start where there is no server: ${late.name}, "${late.message}"`)
    })

    await step('ACLs and authentication by digest', async () => {
      const path = `${base}/secret`
      await zk.create(path, 'for alice', { acl: [makeDigestAcl('alice', 'wonderland', { all: true })] })
      say(`without credentials: ${(await rejection(zk.get(path), NoAuthError)).name}`)
      await zk.addAuth('digest', 'alice:wonderland')
      say(`as alice: "${(await zk.get(path)).data.toString()}"`)
      const { acls, stat } = await zk.getAcls(path)
      const who = acls.map(({ perms, id }) => `${id.scheme} ${id.id.split(':')[0]} ${perms}`)
      say(`getAcls: ${list(who)}, aversion ${stat.aversion}`)
    })

    await step('delete, with a version and with all below', async () => {
      const stale = await rejection(zk.delete(`${base}/batch`, { version: 7 }), BadVersionError)
      say(`delete with a wrong version: ${stale.name}`)
      await zk.delete(`${base}/batch`, { version: 0 })
      await zk.delete(base, { recursive: true })
      expect((await zk.exists(base)) === null, 'delete with recursive: the whole tour is gone')
      left = false
    })

    await step('Restart and stop', async () => {
      const before = zk.session?.id
      await zk.restart()
      expect(zk.session?.id !== before, 'restart made a new session')
      await zk.stop()
      say(`the listener heard: ${states.join(', ')}`)
    })
  } finally {
    process.removeListener('SIGINT', interrupt)
    await zk.stop()
    if (left) await cleanUp(hosts, base)
  }
}

/**
 * Where the tour broke off in the middle, what it made is deleted all the same.
 *
 * @param {string} hosts
 * @param {string} base
 */
async function cleanUp(hosts, base) {
  const cleaner = new KazooClient({ hosts, authData: [{ scheme: 'digest', credential: 'alice:wonderland' }] })
  try {
    await cleaner.start()
    await cleaner.delete(base, { recursive: true })
  } catch (error) {
    if (!(error instanceof NoNodeError)) console.error(`${base} may be left behind: ${explain(error)}`)
  } finally {
    await cleaner.stop()
  }
}

/** @param {string} path */
function baseName(path) {
  return path.slice(path.lastIndexOf('/') + 1)
}

/**
 * The same servers, with `path` as the chroot.
 *
 * @param {string} hosts
 * @param {string} path
 */
function under(hosts, path) {
  return hosts.replace(/\/$/, '') + path
}

/**
 * Servers name children in no particular order.
 *
 * @param {readonly string[] | null} names
 */
function list(names) {
  return names === null ? 'missing' : `[${names.toSorted().join(', ')}]`
}

function readArguments() {
  try {
    return parseArgs({ options: { hosts: { type: 'string' }, help: { type: 'boolean', short: 'h' } } }).values
  } catch (error) {
    throw new Error(usage, { cause: error })
  }
}

async function main() {
  const { hosts, help } = readArguments()
  if (help === true) {
    console.log(usage)
    return
  }
  if (hosts !== undefined) {
    console.log(`kazoo-ts, the tour, on ${hosts}`)
    await tour(hosts)
  } else {
    const { EmbeddedServer } = await import('kazoo-ts/server')
    const server = await new EmbeddedServer().start()
    try {
      console.log(`kazoo-ts, the tour, on an embedded server at ${server.hosts}`)
      await tour(server.hosts)
    } finally {
      await server.stop()
    }
  }
  console.log('\nThat was the tour. Nothing of it is left behind.')
}

try {
  await main()
} catch (error) {
  console.error(`\n${explain(error)}`)
  process.exitCode = 1
}
