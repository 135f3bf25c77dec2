import { describe, expect, it } from 'vitest'

import { formatServer, parseHosts } from '../../../../src/session/connecting/hosts.ts'

const server = (host: string, port = 2181): { host: string; port: number } => ({ host, port })

describe('parseHosts', () => {
  it.each([
    ['h1', [server('h1')], ''],
    ['h1:2182', [server('h1', 2182)], ''],
    ['h1:2181,h2:2182,h3', [server('h1'), server('h2', 2182), server('h3')], ''],
    [' h1 , h2:1 ', [server('h1'), server('h2', 1)], ''],
    ['h1/', [server('h1')], ''],
    ['h1/app', [server('h1')], '/app'],
    ['h1,h2:5/app/one', [server('h1'), server('h2', 5)], '/app/one'],
    ['h1/app/', [server('h1')], '/app'],
    ['127.0.0.1:65535', [server('127.0.0.1', 65_535)], ''],
    ['zoo-1.example.com', [server('zoo-1.example.com')], ''],
    ['zk_1.default.svc', [server('zk_1.default.svc')], ''],
    ['[::1]', [server('::1')], ''],
    ['[::1]:2182', [server('::1', 2182)], ''],
    ['h1,[2001:db8::1]:5,[fe80::1%eth0]/app', [server('h1'), server('2001:db8::1', 5), server('fe80::1%eth0')], '/app'],
  ])('reads %j', (text, servers, chroot) => {
    expect(parseHosts(text)).toEqual({ servers, chroot })
  })

  it.each([
    [['h1'], [server('h1')], ''],
    [['h1:1', 'h2'], [server('h1', 1), server('h2')], ''],
    [['h1', 'h2/app'], [server('h1'), server('h2')], '/app'],
    [['h1', 'h2', '/app'], [server('h1'), server('h2')], '/app'],
    [['h1,h2', '[::1]:3'], [server('h1'), server('h2'), server('::1', 3)], ''],
  ])('reads the list %j', (list, servers, chroot) => {
    expect(parseHosts(list)).toEqual({ servers, chroot })
  })

  it.each([
    ['', 'hosts: an empty server in ""'],
    [',', 'hosts: an empty server'],
    ['h1,', 'hosts: an empty server in "h1,"'],
    ['h1,,h2', 'hosts: an empty server'],
    ['/app', 'hosts: an empty server in "/app"'],
    [':2181', 'hosts: "" is not a host name'],
    ['h1:', 'hosts: "" is not a port'],
    ['h1:0', 'hosts: "0" is not a port in "h1:0"'],
    ['h1:65536', 'hosts: "65536" is not a port'],
    ['h1:-1', 'hosts: "-1" is not a port'],
    ['h1:1e3', 'hosts: "1e3" is not a port'],
    ['h1: 5', 'hosts: " 5" is not a port'],
    ['h1:zk', 'hosts: "zk" is not a port'],
    ['h 1', 'hosts: "h 1" is not a host name'],
    ['user@h1', 'hosts: "user@h1" is not a host name'],
    ['::1', 'hosts: "::1" needs brackets, [host]:port'],
    ['2001:db8::1', 'needs brackets'],
    ['h1:1:2', 'needs brackets'],
    ['[h1]:5', 'hosts: "h1" is not an IPv6 address'],
    ['[127.0.0.1]', 'hosts: "127.0.0.1" is not an IPv6 address'],
    ['[]', 'hosts: "" is not an IPv6 address'],
    ['[::1]5', 'hosts:'],
    ['[::1', 'hosts:'],
    ['[::1]:x', 'hosts: "x" is not a port'],
    ['h1//', 'hosts: the chroot must not'],
    ['h1/a//b', 'hosts: the chroot must not have an empty component'],
    ['h1/a/../b', 'hosts: the chroot must not have a component'],
    ['h1/a\u0000', 'hosts: the chroot must not contain the character U+0000'],
    ['zookeeper://h1', 'hosts:'],
  ])('refuses %j', (text, message) => {
    expect(() => parseHosts(text)).toThrow(RangeError)
    expect(() => parseHosts(text)).toThrow(message)
  })

  it.each([
    [[], RangeError, 'hosts: an empty server'],
    [['h1', ''], RangeError, 'hosts: an empty server'],
    [['/app'], RangeError, 'hosts: an empty server'],
    [['h1/app', 'h2/app'], RangeError, 'hosts: the chroot must come last, not in "h1/app"'],
    [['h1', '/app', 'h2'], RangeError, 'hosts: the chroot must come last, not in "/app"'],
    [['h1', 5], TypeError, 'hosts must hold strings, not number'],
    [[['h1']], TypeError, 'hosts must hold strings, not an array'],
    [5, TypeError, 'hosts must be a string or an array of strings, not number'],
    [{}, TypeError, 'hosts must be a string or an array of strings, not an object'],
    [undefined, TypeError, 'hosts must be a string or an array of strings, not undefined'],
  ])('refuses the list or value %j', (value, type, message) => {
    expect(() => parseHosts(value)).toThrow(type)
    expect(() => parseHosts(value)).toThrow(message)
  })

  it('reads what formatServer writes', () => {
    for (const each of [server('h1'), server('10.0.0.1', 5), server('::1', 9)]) {
      expect(parseHosts(formatServer(each)).servers).toEqual([each])
    }
  })
})
