/**
 * The names under which the client tells `node:diagnostics_channel` what it does. Those who listen need nothing else of
 * the client, so that they may be loaded without it.
 */
export const channelNames = {
  /** A tracing channel: each request. */
  request: 'kazoo-ts:request',
  /** A tracing channel: each attempt to connect. */
  connection: 'kazoo-ts:connection',
  /** A plain channel: connections that were established, and ended. */
  lost: 'kazoo-ts:connection:lost',
  /** A plain channel: sessions, when they are created, resumed, expired and closed. */
  session: 'kazoo-ts:session',
  /** A plain channel: each change of a client's state. */
  state: 'kazoo-ts:state',
} as const
