export { EmbeddedServer } from './embedded-server.ts'
export type { FaultMatch, Faults } from './faults.ts'
export type { EmbeddedServerOptions } from './options.ts'
