import { expect, it } from 'vitest'

import { explainFailure } from '../../../src/cli/explain-failure.ts'

const flags = { host: '127.0.0.1', port: 80 }
const failure = (properties: object): NodeJS.ErrnoException => Object.assign(new Error('in its own words'), properties)

it.each([
  [{ code: 'EACCES', syscall: 'listen', port: 80 }, 'no permission to listen on 127.0.0.1:80'],
  [{ code: 'EADDRINUSE', syscall: 'listen', port: 81 }, '127.0.0.1:81 is in use already'],
  [{ code: 'EADDRNOTAVAIL', syscall: 'listen' }, '127.0.0.1 is no address of this machine'],
  [{ code: 'ENOTFOUND', syscall: 'getaddrinfo' }, '127.0.0.1 is no address of this machine'],
  [{ code: 'EACCES', syscall: 'mkdir', path: '/data' }, 'in its own words'],
  [{ code: 'EACCES', syscall: 'open', path: '/key.pem' }, 'in its own words'],
  [{}, 'in its own words'],
])('explains %o', (properties, text) => {
  expect(explainFailure(failure(properties), flags)).toBe(text)
})
