import { describe, expect, it } from 'vitest'

import { clientServers, parseEnsembleConfig } from '../../../src/client/ensemble-config.ts'

const client = (text: string): (string | null)[] => parseEnsembleConfig(text).map((member) => member.client)

describe("the ensemble's configuration", () => {
  it('is read as a three-member ensemble writes it', () => {
    const text = [
      'server.1=10.0.0.1:2888:3888:participant;10.0.0.1:2181',
      'server.2=zk-2.example:2888:3888:participant;0.0.0.0:2181',
      'server.30=zk_3:2888:3888:observer;zk3-public:2182',
      'version=100000003',
    ].join('\n')
    expect(parseEnsembleConfig(text)).toEqual([
      { id: 1, role: 'participant', hosts: ['10.0.0.1'], client: '10.0.0.1:2181', secureClient: null },
      { id: 2, role: 'participant', hosts: ['zk-2.example'], client: 'zk-2.example:2181', secureClient: null },
      { id: 30, role: 'observer', hosts: ['zk_3'], client: 'zk3-public:2182', secureClient: null },
    ])
  })

  it('may have been written by hand: without roles, hosts of clients, or line ends of one kind', () => {
    expect(client('  server.1 = a:1:2;2181 \r\nserver.2=b:1:2:PARTICIPANT;2182\nclientPort=1\n\n#x')).toEqual([
      'a:2181',
      'b:2182',
    ])
  })

  it('names a server by its own host where the address for clients means all of them', () => {
    for (const any of ['0.0.0.0:2181', '[::]:2181', '[0:0:0:0:0:0:0:0]:2181', ':2181', '2181']) {
      expect(client(`server.1=a:1:2:participant;${any}`)).toEqual(['a:2181'])
    }
  })

  it('takes no time to speak of to read, whatever a server makes of it', { timeout: 20_000 }, () => {
    const many = 200_000
    const hostile = [
      `server.1=a${' '.repeat(many)}b`,
      `server.1=a${' '.repeat(many)}`,
      ' '.repeat(many),
      `${'\r'.repeat(many)}b`,
      `server.1${' '.repeat(many)}b`,
      `server.${'1'.repeat(many)}`,
      `server.1=[::1${'%'.repeat(4_000)}\u2028]:1:2;2181`,
    ]
    for (const text of hostile) {
      try {
        parseEnsembleConfig(text)
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError)
      }
    }
  })

  it('is none where a line is too long, or there are more members than ZooKeeper has ids', () => {
    const lines = (count: number): string =>
      Array.from({ length: count }, (_, id) => `server.${id}=a${id}:1:2;2181`).join('\n')
    expect(parseEnsembleConfig(lines(255))).toHaveLength(255)
    expect(() => parseEnsembleConfig(lines(256))).toThrow('more than 255 members')
    expect(() => parseEnsembleConfig(`server.1=${'a'.repeat(5_000)}:1:2;2181`)).toThrow('a line of 5018 characters')
    expect(parseEnsembleConfig(`# ${'a'.repeat(5_000)}`)).toEqual([])
  })

  it('has IPv6 addresses in brackets', () => {
    const text = 'server.1=[fd00::1]:2888:3888:participant;[::]:2181\nserver.2=[fd00::2]:1:2;[fd00::9]:2182'
    expect(client(text)).toEqual(['[fd00::1]:2181', '[fd00::9]:2182'])
    expect(clientServers(parseEnsembleConfig(text), (member) => member.client)).toEqual([
      { host: 'fd00::1', port: 2181 },
      { host: 'fd00::9', port: 2182 },
    ])
  })

  it('may have several addresses of a member, whose first host is its name then', () => {
    const text = 'server.1=a1:2888:3888|a2:2889:3889|[::1]:1:2:observer;0.0.0.0:2181'
    expect(parseEnsembleConfig(text)).toEqual([
      { id: 1, role: 'observer', hosts: ['a1', 'a2', '::1'], client: 'a1:2181', secureClient: null },
    ])
    expect(client('server.1=0.0.0.0:2888:3888|a2:2889:3889:participant;2181')).toEqual(['a2:2181'])
  })

  it('has the secure address of later servers, with and without the other', () => {
    expect(parseEnsembleConfig('server.1=a:1:2:participant;0.0.0.0:2181;0.0.0.0:2281\nserver.2=b:1:2;;c:2281')).toEqual(
      [
        { id: 1, role: 'participant', hosts: ['a'], client: 'a:2181', secureClient: 'a:2281' },
        { id: 2, role: 'participant', hosts: ['b'], client: null, secureClient: 'c:2281' },
      ],
    )
  })

  it('may have no addresses for clients, and no members at all', () => {
    expect(client('server.1=a:1:2:participant\nserver.2=b:1:2:participant\nversion=0')).toEqual([null, null])
    for (const text of ['', 'version=0', 'group.1=1:2', '\0\0\0', 'server=1', 'server.x=a:1:2;3']) {
      expect(client(text)).toEqual([])
    }
  })

  it.each([
    ['server.1=a', /no address/],
    ['server.1=;2181', /no address/],
    ['server.1=a:1:2|:1:2;2181', /no address/],
    ['server.1=a:1:2:leader;2181', /the role "leader"/],
    ['server.1=a:1:2;a:b', /the port "b"/],
    ['server.1=a:1:2;a:', /the port ""/],
    ['server.1=0.0.0.0:1:2:participant;0.0.0.0:2181', /no host that clients could use/],
  ])('is refused where a member cannot be told: %s', (text, message) => {
    expect(() => parseEnsembleConfig(text)).toThrow(RangeError)
    expect(() => parseEnsembleConfig(text)).toThrow(message)
  })

  it('gives no server that hosts would not name', () => {
    for (const address of ['a b:2181', 'a:0', 'a:70000', '$(x):2181', 'ä:1', 'a/b:1', 'a,b:1']) {
      const members = parseEnsembleConfig(`server.1=${address.split(':')[0]}:1:2;${address.split(':')[1]}`)
      expect(() => clientServers(members, (member) => member.client), address).toThrow(RangeError)
    }
  })
})

describe('a function that gives the addresses of members', () => {
  const members = parseEnsembleConfig('server.1=a:1:2;2181\nserver.2=b:1:2:observer;2181')

  it('is asked for each, and leaves out what it gives null for', () => {
    expect(clientServers(members, ({ id, hosts }) => (id === 1 ? null : `${hosts[0]}.example:2281`))).toEqual([
      { host: 'b.example', port: 2281 },
    ])
  })

  it.each<[unknown, RegExp]>([
    [undefined, /^trackEnsemble must give 'host:port' or null, not undefined$/],
    [['a:1'], /must give 'host:port' or null/],
    ['', /an empty server/],
    ['a:1,b:2', /^trackEnsemble must give one 'host:port' or null, not "a:1,b:2"$/],
    ['a:1/app', /must give one 'host:port'/],
    ['not a host', /is not a host name/],
  ])('may not give %j', (given, message) => {
    expect(() => clientServers(members, () => given as never)).toThrow(message)
  })
})
