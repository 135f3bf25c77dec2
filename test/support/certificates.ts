// The library registers its parts by decorators, which need this first.
import 'reflect-metadata'

import { webcrypto } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import {
  BasicConstraintsExtension,
  type JsonGeneralName,
  type JsonNameParams,
  Name,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509'

const EC = { name: 'ECDSA', namedCurve: 'P-256' }
const SIGNING = { ...EC, hash: 'SHA-256' }
const HOUR = 3_600_000

/** A certificate and its key, as PEM; `file` holds both, which is what ZooKeeper takes for a key store. */
export interface Certificate {
  readonly cert: string
  readonly key: string
  readonly file: string
}

/** An authority that signs certificates for one test. */
export class Authority {
  readonly #folder: string
  readonly #name: string
  readonly #keys: webcrypto.CryptoKeyPair
  /** Its certificate, as PEM. */
  readonly pem: string

  private constructor(folder: string, name: string, keys: webcrypto.CryptoKeyPair, pem: string) {
    this.#folder = folder
    this.#name = name
    this.#keys = keys
    this.pem = pem
  }

  /** @param name - tells authorities in one folder apart */
  static async make(folder: string, name = 'authority'): Promise<Authority> {
    const keys = await makeKeys()
    const certificate = await X509CertificateGenerator.createSelfSigned({
      name: `CN=${name}`,
      keys,
      ...lifetime(),
      signingAlgorithm: SIGNING,
      extensions: [new BasicConstraintsExtension(true, undefined, true)],
    })
    const pem = certificate.toString('pem')
    await writeFile(join(folder, `${name}.pem`), pem)
    return new Authority(folder, name, keys, pem)
  }

  /**
   * @param commonName - whom it is of, unless there is a `subject`; and the name of its file
   * @param names - what the certificate is valid for
   */
  async sign(
    commonName: string,
    names: readonly JsonGeneralName[] = [],
    subject: JsonNameParams = [{ CN: [commonName] }],
  ): Promise<Certificate> {
    const keys = await makeKeys()
    const certificate = await X509CertificateGenerator.create({
      subject: new Name(subject),
      issuer: `CN=${this.#name}`,
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      ...lifetime(),
      signingAlgorithm: SIGNING,
      extensions: names.length > 0 ? [new SubjectAlternativeNameExtension([...names])] : [],
    })
    const cert = certificate.toString('pem')
    const key = PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY')
    const file = join(this.#folder, `${this.#name}-${commonName}.pem`)
    await writeFile(file, `${key}\n${cert}\n`)
    return { cert, key, file }
  }

  /** The lines of `zoo.cfg` for a server with that certificate which asks clients for one of this authority's. */
  config(certificate: Certificate, clientAuth: 'need' | 'want' | 'none'): Record<string, string> {
    return {
      'ssl.keyStore.location': certificate.file,
      'ssl.keyStore.type': 'PEM',
      'ssl.trustStore.location': join(this.#folder, `${this.#name}.pem`),
      'ssl.trustStore.type': 'PEM',
      'ssl.clientAuth': clientAuth,
      // Of the client's address, which is not what the certificate of a client is about.
      'ssl.hostnameVerification': 'false',
      serverCnxnFactory: 'org.apache.zookeeper.server.NettyServerCnxnFactory',
    }
  }
}

function makeKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(EC, true, ['sign', 'verify'])
}

function lifetime(): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(Date.now() - HOUR), notAfter: new Date(Date.now() + 24 * HOUR) }
}
