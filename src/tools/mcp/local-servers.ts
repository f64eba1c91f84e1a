import { readFileSync } from 'node:fs'
import type { Client } from '@modelcontextprotocol/client'
import { AttemptFailed } from '../../attempt-failed.ts'
import { ShuttingDown, ToolFailed } from '../../errors.ts'
import { isObject } from '../../graph/definition.ts'
import { version } from '../../version.ts'
import type { Connecting } from './client.ts'

/** A program of this machine that is an MCP server over its standard input and output. */
export interface LocalServer {
  command: string
  args?: string[]
  /** Besides PATH, HOME and the like: nothing of this process. */
  env?: Record<string, string>
  cwd?: string
}

/** `idle` before its first use, and after it ended. */
export interface LocalServerState {
  status: 'idle' | 'starting' | 'running' | 'failed'
  /** Why it could not be started. */
  failure?: string
}

/** Those that the operator lists. A workflow names one, and says nothing about what is run. */
export interface LocalServers {
  readonly names: readonly string[]
  /** Of one that there is. */
  state(name: string): LocalServerState
  /** @throws AttemptFailed */
  use<Result>(name: string, options: Omit<Connecting, 'request'>, work: (client: Client) => Promise<Result>): Promise<Result>
}

/** One process each, from its first use until it ends or the server stops. */
export class LocalProcesses implements LocalServers {
  readonly #servers: ReadonlyMap<string, LocalServer>
  readonly #running = new Map<string, Promise<Client>>()
  readonly #states = new Map<string, LocalServerState>()
  /** What the programs are given, should they quote it. */
  readonly #hidden: readonly string[]
  #isClosed = false

  constructor(servers: Readonly<Record<string, LocalServer>>) {
    this.#servers = new Map(Object.entries(servers))
    this.#hidden = secretValuesOf(servers).filter((value) => value !== '')
  }

  get names(): readonly string[] {
    return [...this.#servers.keys()]
  }

  state(name: string): LocalServerState {
    return this.#states.get(name) ?? { status: 'idle' }
  }

  async use<Result>(
    name: string,
    { signal, timeoutMs, scrubber }: Omit<Connecting, 'request'>,
    work: (client: Client) => Promise<Result>,
  ): Promise<Result> {
    signal.throwIfAborted()
    try {
      return await work(await this.#client(name, timeoutMs))
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof AttemptFailed) throw error
      const message = this.#messageOf(error)
      const said = (scrubber?.excerpt(message, 500) ?? message.slice(0, 500)).toWellFormed()
      throw new AttemptFailed(new ToolFailed({ reason: `The MCP server '${name}' failed: ${said}` }), { retryable: true })
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const end = async (started: Promise<Client>): Promise<void> => (await started).close()
    await Promise.allSettled([...this.#running.values()].map(end))
  }

  #messageOf(error: unknown): string {
    const message = error instanceof Error ? error.message : 'it failed'
    return this.#hidden.reduce((text, value) => text.replaceAll(value, '[hidden]'), message)
  }

  #client(name: string, timeoutMs: number): Promise<Client> {
    if (this.#isClosed) throw new AttemptFailed(new ShuttingDown({}), { retryable: true })
    const server = this.#servers.get(name)
    if (!server) throw new AttemptFailed(new ToolFailed({ reason: `The operator lists no MCP server '${name}'.` }), { retryable: false })
    const running = this.#running.get(name)
    if (running) return running
    const forget = (state: LocalServerState): void => {
      this.#running.delete(name)
      this.#states.set(name, state)
    }
    this.#states.set(name, { status: 'starting' })
    const started = start(server, timeoutMs, () => forget({ status: 'idle' }))
    this.#running.set(name, started)
    started.then(
      () => this.#states.set(name, { status: 'running' }),
      (error: unknown) => forget({ status: 'failed', failure: this.#messageOf(error).slice(0, 500).toWellFormed() }),
    )
    return started
  }
}

async function start({ command, args = [], env = {}, cwd }: LocalServer, timeoutMs: number, onEnd: () => void): Promise<Client> {
  const [{ Client: McpClient }, { StdioClientTransport, getDefaultEnvironment }] = await Promise.all([
    import('@modelcontextprotocol/client'),
    import('@modelcontextprotocol/client/stdio'),
  ])
  const transport = new StdioClientTransport({
    command,
    args,
    env: { ...getDefaultEnvironment(), ...env },
    stderr: 'ignore',
    ...(cwd !== undefined && { cwd }),
  })
  const client = new McpClient({ name: 'agent-studio', version }, { capabilities: {} })
  // The package knows no listeners.
  Object.assign(client, { onclose: onEnd })
  try {
    await client.connect(transport, { timeout: timeoutMs })
  } catch (error) {
    await client.close().catch(() => undefined)
    throw error
  }
  return client
}

/**
 * @param setting the JSON itself, or the path of a file with it
 * @throws an Error whose message says what is wrong with it
 */
export function readLocalServers(setting: string): Record<string, LocalServer> {
  const parsed = parse(setting)
  const servers = isObject(parsed) && isObject(parsed['mcpServers']) ? parsed['mcpServers'] : parsed
  if (!isObject(servers)) throw new Error(rule)
  for (const [name, server] of Object.entries(servers)) if (!isLocalServer(server)) throw new Error(`'${name}': ${rule}`)
  return servers as unknown as Record<string, LocalServer>
}

/** What such a program is given and nobody else may see, as far as the names say so. */
export function secretValuesOf(servers: Readonly<Record<string, LocalServer>>): string[] {
  const variables = Object.values(servers).flatMap(({ env = {} }) => Object.entries(env))
  return variables.flatMap(([name, value]) => (/key|token|secret|pass|credential|auth/i.test(name) ? [value] : []))
}

const rule = 'it must be an object such as {"files": {"command": "node", "args": ["server.js"], "env": {}}}'

function parse(setting: string): unknown {
  try {
    return JSON.parse(setting.startsWith('{') ? setting : readFileSync(setting, 'utf8'))
  } catch (error) {
    throw new Error(`it cannot be read: ${(error as Error).message}`, { cause: error })
  }
}

function isLocalServer(value: unknown): boolean {
  if (!isObject(value)) return false
  const { command, args = [], env = {}, cwd = '' } = value
  const areTexts = (list: unknown[]): boolean => list.every((item) => typeof item === 'string')
  return (
    typeof command === 'string' &&
    command !== '' &&
    Array.isArray(args) &&
    areTexts(args) &&
    isObject(env) &&
    areTexts(Object.values(env)) &&
    typeof cwd === 'string'
  )
}
