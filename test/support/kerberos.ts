import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

import { nodeRuntime, type Kerberos } from '../../src/index.ts'
import { freePorts } from '../../src/testing/real-zookeeper/free-port.ts'

const run = promisify(execFile)

const REALM = 'EXAMPLE.COM'
/** What Debian's packages krb5-kdc and krb5-user bring. */
const PROGRAMS = ['krb5kdc', 'kdb5_util', 'kadmin.local', 'kinit'] as const

/** Why Kerberos cannot be tried here; null if it can. */
export async function missingForKerberos(): Promise<string | null> {
  const missing: string[] = []
  for (const program of PROGRAMS) if ((await find(program)) === null) missing.push(program)
  if (loadKerberosModule() === null) missing.push('the module kerberos (KAZOO_TEST_KERBEROS, or in node_modules)')
  return missing.length === 0 ? null : `no ${missing.join(', no ')}`
}

/** The package, from the folder that the environment names, else from node_modules; null where neither has it. */
export function loadKerberosModule(): Kerberos | null {
  const given = process.env['KAZOO_TEST_KERBEROS']
  try {
    return createRequire(import.meta.url)(given === undefined || given === '' ? 'kerberos' : given) as Kerberos
  } catch {
    return null
  }
}

/** A key distribution centre of the test's own, on the loopback interface, in a temporary folder. */
export class Kdc {
  readonly folder: string
  readonly #programs: ReadonlyMap<string, string>
  #process: ChildProcess | null = null

  private constructor(folder: string, programs: ReadonlyMap<string, string>) {
    this.folder = folder
    this.#programs = programs
  }

  static async start(): Promise<Kdc> {
    const programs = new Map<string, string>()
    for (const program of PROGRAMS) programs.set(program, (await find(program)) ?? program)
    const kdc = new Kdc(await mkdtemp(join(tmpdir(), 'kazoo-kdc-')), programs)
    try {
      await kdc.#start()
      return kdc
    } catch (error) {
      await kdc.stop()
      throw error
    }
  }

  /** For Kerberos' own programs and library, and for Java's `java.security.krb5.conf`. */
  get configuration(): string {
    return join(this.folder, 'krb5.conf')
  }

  /** `ada@EXAMPLE.COM` */
  principal(name: string): string {
    return `${name}@${REALM}`
  }

  /** Makes a principal with a key that nobody knows, and resolves to a keytab that holds it. */
  async keytab(name: string): Promise<string> {
    const file = join(this.folder, `${name.replace('/', '-')}.keytab`)
    await this.#run('kadmin.local', ['-q', `addprinc -randkey ${name}`])
    await this.#run('kadmin.local', ['-q', `ktadd -k ${file} ${name}`])
    await access(file)
    return file
  }

  /** Logs in by a keytab, and resolves to the cache with the ticket. */
  async login(name: string, keytab: string): Promise<string> {
    const cache = join(this.folder, `${name}.cache`)
    await this.#run('kinit', ['-k', '-t', keytab, '-c', cache, name])
    return cache
  }

  async stop(): Promise<void> {
    const child = this.#process
    if (child !== null && child.exitCode === null && child.signalCode === null) {
      const gone = new Promise((resolve) => child.once('exit', resolve))
      child.kill()
      await gone
    }
    await rm(this.folder, { recursive: true, force: true })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #start(): Promise<void> {
    const { folder } = this
    const [port] = await freePorts(nodeRuntime, 1)
    await writeFile(
      this.configuration,
      `[libdefaults]
  default_realm = ${REALM}
  dns_lookup_kdc = false
  dns_lookup_realm = false
  dns_canonicalize_hostname = false
  rdns = false
  udp_preference_limit = 1
[realms]
  ${REALM} = {
    kdc = 127.0.0.1:${port}
  }
[domain_realm]
  localhost = ${REALM}
  elsewhere.example = ${REALM}
`,
    )
    await writeFile(
      join(folder, 'kdc.conf'),
      `[kdcdefaults]
  kdc_listen = 127.0.0.1:${port}
  kdc_tcp_listen = 127.0.0.1:${port}
[realms]
  ${REALM} = {
    database_name = ${join(folder, 'principal')}
    key_stash_file = ${join(folder, 'stash')}
    acl_file = ${join(folder, 'acl')}
  }
[logging]
  kdc = STDERR
`,
    )
    await this.#run('kdb5_util', ['create', '-s', '-P', 'master', '-r', REALM])
    const child = spawn(this.#programs.get('krb5kdc')!, ['-n', '-P', join(folder, 'pid')], {
      env: this.#env,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    this.#process = child
    const end = (): void => void child.kill()
    process.once('exit', end)
    child.once('exit', () => process.off('exit', end))
    let log = ''
    await new Promise<void>((resolve, reject) => {
      child.stderr.on('data', (chunk) => {
        log += String(chunk)
        if (log.includes('commencing operation')) resolve()
      })
      child.once('error', reject)
      child.once('exit', () => reject(new Error(`krb5kdc has ended:\n${log}`)))
    })
  }

  get #env(): Record<string, string | undefined> {
    return { ...process.env, KRB5_CONFIG: this.configuration, KRB5_KDC_PROFILE: join(this.folder, 'kdc.conf') }
  }

  async #run(program: string, args: readonly string[]): Promise<void> {
    await run(this.#programs.get(program)!, [...args], { env: this.#env, cwd: this.folder })
  }
}

/** Some of it is for administrators, whose folders are not on everybody's path. */
async function find(program: string): Promise<string | null> {
  for (const folder of [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin']) {
    const file = join(folder, program)
    try {
      await access(file)
      return file
    } catch {
      // Then in another.
    }
  }
  return null
}
