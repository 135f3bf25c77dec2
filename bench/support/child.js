// @ts-check
import { execFile, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** @param {string} name */
const pathOf = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url))

/**
 * Starts a server in a process of its own, which ends with ours; resolves when it has printed its `host:port`.
 *
 * @param {string} script
 * @param {readonly string[]} args
 */
export async function startServer(script, ...args) {
  const child = spawn(process.execPath, [pathOf(script), ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  const [line] = await Promise.race([
    once(child.stdout, 'data'),
    once(child, 'exit').then(([code]) => {
      throw new Error(`${script} ended with code ${code}`)
    }),
  ])
  const [host = '', port = ''] = String(line).trim().split(':')
  const stop = async () => {
    const exited = once(child, 'exit')
    child.stdin.end()
    await exited
  }
  return { host, port: Number(port), stop }
}

/**
 * Starts a contender; resolves when it is connected.
 *
 * @param {string} module
 * @param {{ host: string, port: number }} server
 */
export async function startContender(module, { host, port }) {
  const child = fork(pathOf('contender.js'), [module, host, String(port)], {
    // node-zookeeper-client calls functions that are deprecated.
    execArgv: ['--no-deprecation'],
  })
  const answer = () =>
    new Promise((resolve, reject) => {
      const onExit = (/** @type {number | null} */ code) => reject(new Error(`${module} ended with code ${code}`))
      child.once('exit', onExit)
      child.once('message', (message) => {
        child.off('exit', onExit)
        resolve(message)
      })
    })
  await answer()
  return {
    module,
    /**
     * @param {import('../contender.js').Order} order
     * @returns {Promise<import('../contender.js').Result>}
     */
    run(order) {
      const answered = answer()
      child.send(order)
      return answered
    },
    async stop() {
      const exited = once(child, 'exit')
      child.disconnect()
      await exited
    },
  }
}

/**
 * Runs a script to its end; resolves to the JSON it printed.
 *
 * @param {string} script - a path from the repository's root
 * @param {readonly string[]} args
 * @param {readonly string[]} execArgv
 */
export async function runScript(script, args = [], execArgv = []) {
  const { stdout } = await promisify(execFile)(process.execPath, [...execArgv, pathOf(`../${script}`), ...args], {
    cwd: pathOf('..'),
    maxBuffer: 16 * 1024 * 1024,
  })
  return JSON.parse(stdout)
}
