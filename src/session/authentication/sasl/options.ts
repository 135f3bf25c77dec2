import type { Kerberos } from './kerberos.ts'

/** How the client proves who it is by SASL. */
export type SaslOptions = DigestMd5Options | GssapiOptions

/** A user and a password that the server knows too (`DigestLoginModule`). The password itself is never sent. */
export interface DigestMd5Options {
  readonly mechanism: 'DIGEST-MD5'
  readonly username: string
  readonly password: string
  /** @defaultValue the first that the server offers; ZooKeeper's is `zk-sasl-md5` */
  readonly realm?: string | undefined
}

/**
 * Kerberos, through the optional package `kerberos`: with the tickets of the process's cache (`kinit`), or with a
 * client keytab (`KRB5_CLIENT_KTNAME`).
 */
export interface GssapiOptions {
  readonly mechanism: 'GSSAPI'
  /** The first part of the server's principal. @defaultValue 'zookeeper' */
  readonly service?: string | undefined
  /** Whose tickets to use: `client@EXAMPLE.COM`. @defaultValue the default of the cache, or of the keytab */
  readonly principal?: string | undefined
  /**
   * The host in the server's principal, or a function that makes it of the name in `hosts`. Kerberos' own library
   * canonicalises it as `krb5.conf` says (`dns_canonicalize_hostname`, `rdns`). @defaultValue the name in `hosts`
   */
  readonly hostname?: string | ((host: string) => string | PromiseLike<string>) | undefined
  /** The module `kerberos`, where it cannot be found by its name: in a bundle. @defaultValue loaded when needed */
  readonly kerberos?: Kerberos | undefined
}

/** Options, as they are asked for on each connection. */
export type SaslSource = () => SaslOptions | PromiseLike<SaslOptions>
