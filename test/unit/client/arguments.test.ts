import { describe, expect, it } from 'vitest'

import { KazooClient } from '../../../src/index.ts'
import { failure, world } from '../../support/world.ts'

type Verb = (client: KazooClient, path: never, options: never) => Promise<unknown>

/** Each verb with a path and options of the test's choice, all else being right. */
const verbs: Record<string, Verb> = {
  get: (client, path, options) => client.get(path, options),
  exists: (client, path, options) => client.exists(path, options),
  getChildren: (client, path, options) => client.getChildren(path, options),
  getAcls: (client, path, options) => client.getAcls(path, options),
  sync: (client, path, options) => client.sync(path, options),
  create: (client, path, options) => client.create(path, 'x', options),
  ensurePath: (client, path, options) => client.ensurePath(path, options),
  set: (client, path, options) => client.set(path, 'x', options),
  delete: (client, path, options) => client.delete(path, options),
  setAcls: (client, path, options) =>
    client.setAcls(path, [{ perms: 1, id: { scheme: 'world', id: 'anyone' } }], options),
}

/** Verbs that take no path. */
const others: Record<string, Verb> = {
  start: (client, _path, options) => client.start(options),
  addAuth: (client, _path, options) => client.addAuth('digest', 'a:b', options),
  command: (client, _path, options) => client.command('ruok', options),
  serverVersion: (client, _path, options) => client.serverVersion(options),
  commit: (client, _path, options) => client.transaction().check('/a').commit(options),
  restart: (client, _path, options) => client.restart(options),
}

const badPaths: [unknown, typeof TypeError | typeof RangeError, string][] = [
  [undefined, TypeError, 'path must be a string, not undefined'],
  [null, TypeError, 'path must be a string, not null'],
  [5, TypeError, 'path must be a string, not number'],
  ['', RangeError, 'path must not be empty: ""'],
  ['a', RangeError, 'path must start with "/": "a"'],
  ['/a/', RangeError, 'path must not end with "/": "/a/"'],
  ['/a//b', RangeError, 'path must not have an empty component: "/a//b"'],
  ['/a/../b', RangeError, 'path must not have a component "." or "..": "/a/../b"'],
  ['/a\u0000', RangeError, 'path must not contain the character U+0000: "/a\\u0000"'],
]

const badCalls: [object | number | null, typeof TypeError | typeof RangeError, string][] = [
  [5, TypeError, 'options must be an object, not number'],
  [null, TypeError, 'options must be an object, not null'],
  [[], TypeError, 'options must be an object, not an array'],
  [{ tiemout: 5 }, TypeError, 'unknown option "tiemout"'],
  [{ timeout: '5' }, TypeError, 'timeout must be a number of milliseconds, not string'],
  [{ timeout: null }, TypeError, 'timeout must be a number of milliseconds, not null'],
  [{ timeout: -1 }, RangeError, 'timeout must be from 0 to 2147483647 milliseconds, not -1'],
  [{ timeout: Number.NaN }, RangeError, 'timeout must be from 0 to 2147483647 milliseconds, not NaN'],
  [{ timeout: 2 ** 31 }, RangeError, 'timeout must be from 0 to 2147483647 milliseconds, not 2147483648'],
  [{ timeout: Infinity }, RangeError, 'timeout must be from 0 to 2147483647 milliseconds, not Infinity'],
  [{ signal: {} }, TypeError, 'signal must be an AbortSignal, not an object'],
  [{ signal: null }, TypeError, 'signal must be an AbortSignal, not null'],
]

const acl = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }]
const badAcls: [unknown, typeof TypeError | typeof RangeError, string][] = [
  ['world', TypeError, ' must be an array of entries, not string'],
  [{}, TypeError, ' must be an array of entries, not an object'],
  [null, TypeError, ' must be an array of entries, not null'],
  [[], RangeError, ' must have at least one entry'],
  [[...acl, null], TypeError, '[1] must be { perms, id: { scheme, id } }, not null'],
  [[{ ...acl[0], perms: '31' }], TypeError, '[0].perms must be a number, not string'],
  [[{ ...acl[0], perms: 32 }], RangeError, '[0].perms must be a sum of permissions, 0 to 31, not 32'],
  [[{ ...acl[0], perms: 1.5 }], RangeError, '[0].perms must be a sum of permissions, 0 to 31, not 1.5'],
  [[{ ...acl[0], perms: -1 }], RangeError, '[0].perms must be a sum of permissions, 0 to 31, not -1'],
  [[{ perms: 1 }], TypeError, '[0].id must be { scheme, id }, not undefined'],
  [[{ perms: 1, id: { scheme: 1, id: '' } }], TypeError, '[0].id.scheme must be a string'],
  [[{ perms: 1, id: { scheme: '', id: '' } }], RangeError, '[0].id.scheme must not be empty'],
  [[{ perms: 1, id: { scheme: 'ip', id: 1 } }], TypeError, '[0].id.id must be a string'],
]

const badVersions: [unknown, typeof TypeError | typeof RangeError, string][] = [
  ['1', TypeError, 'version must be a number, not string'],
  [null, TypeError, 'version must be a number, not null'],
  [1n, TypeError, 'version must be a number, not bigint'],
  [1.5, RangeError, 'version must be a 32-bit integer, not 1.5'],
  [2 ** 31, RangeError, 'version must be a 32-bit integer, not 2147483648'],
  [Number.NaN, RangeError, 'version must be a 32-bit integer, not NaN'],
]

const badData: [unknown, typeof TypeError, string][] = [
  [5, TypeError, 'data must be a string, a Uint8Array or null, not number'],
  [{}, TypeError, 'data must be a string, a Uint8Array or null, not an object'],
  [['x'], TypeError, 'data must be a string, a Uint8Array or null, not an array'],
  [new ArrayBuffer(1), TypeError, 'data must be a string, a Uint8Array or null, not an object'],
]

const badChanges: [unknown, typeof TypeError | typeof RangeError, string][] = [
  [undefined, TypeError, 'change must be an object, not undefined'],
  [{}, RangeError, 'change must have joining, leaving or newMembers'],
  [{ joining: 5 }, TypeError, 'joining must be a string, not number'],
  [{ joining: 'x', newMembers: 'y' }, RangeError, 'newMembers excludes joining and leaving'],
  // Without what it was to join, or the version that it was meant for, it would be another change.
  [{ leaving: '1', joinng: 'x' }, TypeError, 'change: unknown option "joinng"'],
  [{ leaving: '1', version: 5 }, TypeError, 'change: unknown option "version"'],
  [['x'], TypeError, 'change: unknown option "0"'],
  [{ leaving: '1', fromConfig: '5' }, TypeError, 'fromConfig must be a bigint or a whole number'],
  [{ leaving: '1', fromConfig: 1.5 }, TypeError, 'fromConfig must be a bigint or a whole number'],
  [{ leaving: '1', fromConfig: 2n ** 63n }, RangeError, 'fromConfig must be -1 or the version of a configuration'],
  [{ leaving: '1', fromConfig: 2n ** 64n - 1n }, RangeError, 'fromConfig must be -1 or the version of'],
  [{ leaving: '1', fromConfig: -2 }, RangeError, 'fromConfig must be -1 or the version of a configuration, not -2'],
]

/** Every wrong call, what it must be refused with, and how to make it. */
function* wrongCalls(): Generator<
  [string, typeof TypeError | typeof RangeError, string, (client: KazooClient) => Promise<unknown>]
> {
  for (const [verb, call] of Object.entries(verbs)) {
    for (const [path, type, message] of badPaths) {
      yield [
        `${verb}(${JSON.stringify(path)})`,
        type,
        message,
        (client) => call(client, path as never, undefined as never),
      ]
    }
  }
  for (const [verb, call] of Object.entries({ ...verbs, ...others })) {
    for (const [options, type, message] of badCalls) {
      // The default parameter of some takes undefined alone; null is refused by all.
      yield [`${verb} ${message}`, type, message, (client) => call(client, '/a' as never, options as never)]
    }
  }
  for (const [wrong, type, message] of badAcls) {
    yield [`create acl${message}`, type, `acl${message}`, (client) => client.create('/a', '', { acl: wrong as never })]
    yield [
      `ensurePath acl${message}`,
      type,
      `acl${message}`,
      (client) => client.ensurePath('/a', { acl: wrong as never }),
    ]
    yield [`setAcls acls${message}`, type, `acls${message}`, (client) => client.setAcls('/a', wrong as never)]
  }
  for (const [version, type, message] of badVersions) {
    yield [`set ${message}`, type, message, (client) => client.set('/a', '', { version: version as never })]
    yield [`delete ${message}`, type, message, (client) => client.delete('/a', { version: version as never })]
    yield [`setAcls ${message}`, type, message, (client) => client.setAcls('/a', acl, { version: version as never })]
  }
  for (const [data, type, message] of badData) {
    yield [`set ${message}`, type, message, (client) => client.set('/a', data as never)]
    yield [`create ${message}`, type, message, (client) => client.create('/a', data as never)]
  }
  yield ['set of no data', TypeError, 'data must be a string', (client) => client.set('/a', undefined as never)]
  for (const name of ['ephemeral', 'sequence', 'makePath', 'includeStat', 'protect']) {
    for (const value of [1, 'yes', null]) {
      const message = `${name} must be a boolean, not ${value === null ? 'null' : typeof value}`
      yield [`create ${message}`, TypeError, message, (client) => client.create('/a', '', { [name]: value })]
    }
  }
  const boolean = (name: string): string => `${name} must be a boolean, not string`
  for (const name of ['idempotent', 'guaranteed']) {
    yield ['delete', TypeError, boolean(name), (client) => client.delete('/a', { [name]: 'x' as never })]
  }
  yield ['set', TypeError, boolean('idempotent'), (client) => client.set('/a', '', { idempotent: 'x' as never })]
  yield ['setAcls', TypeError, boolean('recursive'), (client) => client.setAcls('/a', acl, { recursive: 'x' as never })]
  yield [
    'setAcls',
    TypeError,
    'version cannot be combined',
    (client) => client.setAcls('/a', acl, { version: 1, recursive: true }),
  ]
  yield ['walk', TypeError, 'path', (client) => client.walk(7 as never).next()]
  yield ['walk', TypeError, boolean('includeData'), (client) => client.walk('/a', { includeData: 'x' as never }).next()]
  yield ['walk', RangeError, 'concurrency must', (client) => client.walk('/a', { concurrency: 0 }).next()]
  yield ['walk', TypeError, 'concurrency must', (client) => client.walk('/a', { concurrency: '1' as never }).next()]
  yield ['delete', TypeError, boolean('recursive'), (client) => client.delete('/a', { recursive: 'x' as never })]
  yield [
    'getChildren',
    TypeError,
    boolean('includeStat'),
    (client) => client.getChildren('/a', { includeStat: 'x' as never }),
  ]
  yield [
    'delete',
    TypeError,
    'version cannot be combined',
    (client) => client.delete('/a', { version: 1, recursive: true }),
  ]
  yield ['delete', RangeError, 'path: the root cannot be deleted', (client) => client.delete('/')]
  for (const verb of ['get', 'exists', 'getChildren'] as const) {
    for (const watch of [true, null, {}, 'x']) {
      yield [
        `${verb} watch`,
        TypeError,
        'watch must be a function, not',
        (client) => client[verb]('/a', { watch: watch as never }),
      ]
    }
  }
  for (const [change, type, message] of badChanges) {
    yield ['reconfig', type, message, (client) => client.reconfig(change as never)]
  }
  yield ['command', TypeError, 'word must be a string, not number', (client) => client.command(5 as never)]
  for (const word of ['', 'rok', 'RUOK', 'ruok\n', 'ruokk']) {
    yield [`command ${word}`, RangeError, 'word must be four lower-case letters', (client) => client.command(word)]
  }
  yield ['addAuth', TypeError, 'scheme must be a string, not number', (client) => client.addAuth(5 as never, 'x')]
  yield ['addAuth', RangeError, 'scheme must not be empty', (client) => client.addAuth('', 'x')]
  yield [
    'addAuth',
    TypeError,
    'credential must be a string or a Uint8Array, not number',
    (client) => client.addAuth('digest', 5 as never),
  ]
}

describe('wrong arguments', () => {
  it('reject the promise with an error that names them, and send nothing', () =>
    world(async ({ client, connect }) => {
      const connection = await connect()
      let count = 0
      for (const [name, type, message, call] of wrongCalls()) {
        let promise: Promise<unknown>
        try {
          promise = call(client)
        } catch (error) {
          throw new Error(`${name} throws instead of rejecting`, { cause: error })
        }
        const error = await promise.then(
          () => new Error(`${name} resolves`),
          (reason: Error) => reason,
        )
        expect(`${name}: ${error.name}: ${error.message}`).toContain(`${name}: ${type.name}: ${message}`)
        count++
      }
      expect(count).toBeGreaterThan(300)
      // The first request that the server ever sees is this one.
      const get = client.exists('/marker')
      const request = await connection.expect('exists')
      expect([request.xid, request.values.path]).toEqual([1, '/marker'])
      connection.fail(request, -101)
      await get
    }))

  it('are found before the client is even started', async () => {
    const client = new KazooClient()
    for (const [name, type, message, call] of wrongCalls()) {
      if (name.startsWith('restart')) continue
      const error = await failure(call(client))
      expect(`${name}: ${error.name}: ${error.message}`).toContain(`${name}: ${type.name}: ${message}`)
    }
  })

  it('of the methods that return at once are thrown', () => {
    const client = new KazooClient({ hosts: 'h1/app' })
    expect(() => client.setHosts('h2/other')).toThrow(RangeError)
    expect(() => client.setHosts('h2/other')).toThrow('hosts: the chroot cannot change from "/app" to "/other"')
    expect(() => client.setHosts('')).toThrow(/hosts/)
    expect(() => client.setHosts('h2/app', { randomizeHosts: 1 as never })).toThrow('randomizeHosts must be a boolean')
    expect(client.hosts).toEqual(['h1:2181'])
    client.setHosts('h2/app')
    expect(client.hosts).toEqual(['h2:2181'])
  })
})

describe('options of the constructor', () => {
  const digest = { mechanism: 'DIGEST-MD5', username: 'ada', password: 'secret' }
  const wrong: [unknown, typeof TypeError | typeof RangeError, string][] = [
    [null, TypeError, 'options must be an object, not null'],
    ['127.0.0.1', TypeError, 'options must be an object, not string'],
    [{ host: 'x' }, TypeError, 'unknown option "host"'],
    [{ hosts: 5 }, TypeError, 'hosts must be a string or an array of strings, not number'],
    [{ hosts: null }, TypeError, 'hosts must be a string or an array of strings, not null'],
    [{ hosts: [5] }, TypeError, 'hosts must hold strings, not number'],
    [{ hosts: '' }, RangeError, 'hosts: an empty server in ""'],
    [{ hosts: 'h:0' }, RangeError, 'hosts: "0" is not a port in "h:0"'],
    [{ hosts: 'h/a/../b' }, RangeError, 'hosts: the chroot must not have a component'],
    [{ sessionTimeout: '5' }, TypeError, 'sessionTimeout must be a number of milliseconds, not string'],
    [{ sessionTimeout: null }, TypeError, 'sessionTimeout must be a number of milliseconds, not null'],
    [{ sessionTimeout: 0 }, RangeError, 'sessionTimeout must be at least 1 ms, not 0'],
    [{ sessionTimeout: -5 }, RangeError, 'sessionTimeout must be from 0'],
    [{ sessionTimeout: Number.NaN }, RangeError, 'sessionTimeout must be from 0'],
    [{ sessionTimeout: 2 ** 31 }, RangeError, 'sessionTimeout must be from 0'],
    [{ readOnly: 1 }, TypeError, 'readOnly must be a boolean, not number'],
    [{ randomizeHosts: 'no' }, TypeError, 'randomizeHosts must be a boolean, not string'],
    [{ session: 5 }, TypeError, 'session must be { id, password }, not number'],
    [{ session: {} }, TypeError, 'session.id must be a bigint, not undefined'],
    [{ session: { id: 5, password: Buffer.alloc(16) } }, TypeError, 'session.id must be a bigint, not number'],
    [{ session: { id: 5n, password: 'x' } }, TypeError, 'session.password must be a Uint8Array'],
    [{ authData: 'x' }, TypeError, 'authData must be an array, not string'],
    [{ authData: {} }, TypeError, 'authData must be an array, not an object'],
    [{ authData: [null] }, TypeError, 'authData[0] must be { scheme, credential }, not null'],
    [{ authData: ['digest'] }, TypeError, 'authData[0] must be { scheme, credential }, not string'],
    [{ authData: [{ scheme: 5, credential: 'x' }] }, TypeError, 'authData[0].scheme must be a string, not number'],
    [{ authData: [{ scheme: '', credential: 'x' }] }, RangeError, 'authData[0].scheme must not be empty'],
    [{ authData: [{ scheme: 'digest' }] }, TypeError, 'authData[0].credential must be a string or a Uint8Array'],
    [
      { authData: [{ scheme: 'sasl', credential: 'ada:secret' }] },
      RangeError,
      'authData[0].scheme: "sasl" is for the option saslOptions',
    ],
    [{ saslOptions: null }, TypeError, 'saslOptions must be an object or a function, not null'],
    [{ saslOptions: 'ada:secret' }, TypeError, 'saslOptions must be an object or a function, not string'],
    [{ saslOptions: {} }, RangeError, 'saslOptions.mechanism must be "DIGEST-MD5" or "GSSAPI"'],
    [{ saslOptions: { mechanism: 'PLAIN' } }, RangeError, 'saslOptions.mechanism must be "DIGEST-MD5" or "GSSAPI"'],
    [{ saslOptions: { mechanism: 'DIGEST-MD5' } }, TypeError, 'saslOptions.username must be a string, not undefined'],
    [{ saslOptions: { ...digest, username: '' } }, RangeError, 'saslOptions.username must not be empty'],
    [{ saslOptions: { ...digest, password: 5 } }, TypeError, 'saslOptions.password must be a string, not number'],
    [{ saslOptions: { ...digest, password: '' } }, RangeError, 'saslOptions.password must not be empty'],
    [
      { saslOptions: { ...digest, password: 'a\0' } },
      RangeError,
      'saslOptions.password must not have a null character',
    ],
    [{ saslOptions: { ...digest, realm: 5 } }, TypeError, 'saslOptions.realm must be a string, not number'],
    [{ saslOptions: { ...digest, service: 'zk' } }, TypeError, 'unknown option "saslOptions.service"'],
    [{ saslOptions: { mechanism: 'GSSAPI', password: 'x' } }, TypeError, 'unknown option "saslOptions.password"'],
    [{ saslOptions: { mechanism: 'GSSAPI', service: '' } }, RangeError, 'saslOptions.service must not be empty'],
    [{ saslOptions: { mechanism: 'GSSAPI', principal: 5 } }, TypeError, 'saslOptions.principal must be a string'],
    [{ saslOptions: { mechanism: 'GSSAPI', hostname: 5 } }, TypeError, 'saslOptions.hostname must be a string'],
    [{ saslOptions: { mechanism: 'GSSAPI', kerberos: {} } }, TypeError, 'saslOptions.kerberos must be the module'],
    [{ saslOptions: { mechanism: 'GSSAPI', kerberos: null } }, TypeError, 'saslOptions.kerberos must be the module'],
    [{ defaultAcl: [] }, RangeError, 'defaultAcl must have at least one entry'],
    [{ defaultAcl: 'x' }, TypeError, 'defaultAcl must be an array of entries, not string'],
    [{ connectionRetry: 5 }, TypeError, 'connectionRetry must be an object, not number'],
    [{ connectionRetry: null }, TypeError, 'connectionRetry must be an object, not null'],
    [{ connectionRetry: { max: 1 } }, TypeError, 'unknown option "max"'],
    [{ connectionRetry: { maxTries: 0 } }, RangeError, 'maxTries must be at least 1, or -1 for no limit, not 0'],
    [{ commandRetry: { delay: -1 } }, RangeError, 'delay must be from 0'],
    [{ logger: null }, TypeError, 'logger must have a function debug(details, message)'],
    [{ logger: 5 }, TypeError, 'logger must have a function debug(details, message)'],
    [{ logger: { debug: () => {} } }, TypeError, 'logger must have a function info(details, message)'],
    [{ maxBuffer: 0 }, RangeError, 'maxBuffer must be a whole number from 1 to 2147483647, not 0'],
    [{ maxBuffer: 'x' }, TypeError, 'maxBuffer must be a number, not string'],
    [{ maxBuffer: 2 ** 31 }, RangeError, 'maxBuffer must be a whole number from 1 to 2147483647'],
    [{ maxReply: 1.5 }, RangeError, 'maxReply must be a whole number from 1 to 2147483647, not 1.5'],
    [{ maxPending: -1 }, RangeError, 'maxPending must be a whole number from 1 to 2147483647, not -1'],
  ]

  it.each(wrong.map((row) => [row[2], ...row] as const))('%s', (_name, options, type, message) => {
    let thrown: unknown
    try {
      new KazooClient(options as never)
    } catch (error) {
      thrown = error
    }
    expect(thrown).toBeInstanceOf(type)
    expect((thrown as Error).message).toContain(message)
  })

  it('that are undefined are as if they were not there', () => {
    const names = ['hosts', 'sessionTimeout', 'readOnly', 'session', 'authData', 'defaultAcl', 'randomizeHosts']
    const more = ['connectionRetry', 'commandRetry', 'logger', 'maxBuffer', 'maxReply', 'maxPending', 'runtime']
    const client = new KazooClient(Object.fromEntries([...names, ...more].map((name) => [name, undefined])))
    expect(client.hosts).toEqual(['127.0.0.1:2181'])
    expect(client.chroot).toBe('')
  })

  it('take the session of another client as it is, or that there is none', () => {
    expect(() => new KazooClient({ session: null as never })).not.toThrow()
    expect(() => new KazooClient({ session: { id: 2n ** 63n, password: new Uint8Array(16) } })).not.toThrow()
  })
})
