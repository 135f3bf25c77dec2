export { EmbeddedServer } from './embedded-server.ts'
export type { EmbeddedServerOptions } from './options.ts'
